"""A network as one NumPy script: it says what the network says, to the last bit, and knows nothing of blockrun."""

import ast
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from blockrun.core import Node, Spec, forward
from blockrun.core.assemble import assemble
from blockrun.plugins.errors import CheckFailed, UsageError
from blockrun.plugins.export.collect import NotAlone
from blockrun.plugins.export.contracts import Trained
from blockrun.plugins.export.library import Library
from blockrun.plugins.export.program import options_of
from blockrun.plugins.export.standalone import EMBEDDED, Python
from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.threads import limit_threads, threads_for

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
KEEP = {"unet": ("clean",)}  # which is asked to draw its own input, so that nothing is without the label
HOST = load_host(entry_points=False)
ONLY = """
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {"numpy", *sys.stdlib_module_names}:
            raise ImportError(f"{name} is not NumPy")
sys.meta_path.insert(0, Guard())
sys.argv.pop(0)
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def said(script, inputs, folder, threads=1):
    """What the script makes of `inputs` where nothing but NumPy can be imported."""
    np.savez(folder / "in.npz", **inputs)
    env = {"OPENBLAS_NUM_THREADS": str(threads), "PATH": ""}
    command = [sys.executable, "-I", "-c", ONLY, str(script), str(folder / "in.npz"), str(folder / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    with np.load(folder / "out.npz", allow_pickle=False) as found:
        return dict(found)


def imports(script):
    tree = ast.parse(script.read_text())
    found = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    found |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_network_of_configs_says_the_same_as_a_script(file, tmp_path):
    network = load(file, host=HOST)
    if network.sections.training is not None:
        list(islice(Trainer(network).walk(), 1))
    trained = Trained(network, KEEP.get(file.stem, ()))
    script, *others = Python().export(trained, tmp_path / f"{file.stem}.py")
    assert imports(script) <= {"numpy", *sys.stdlib_module_names}
    assert bool(others) == (sum(x.nbytes for x in trained.arrays.values()) > EMBEDDED)
    drawn = draw_inputs(network, 3, seed=1)
    with limit_threads(network):
        expected = network.forward(drawn, trained.outputs)
    found = said(script, drawn, tmp_path, threads_for(network))
    assert found.keys() == set(trained.outputs)
    for name, y in expected.items():
        assert (found[name].dtype, found[name].tobytes()) == (y.dtype, y.tobytes()), name


def test_every_block_says_the_same_by_itself():
    """On all of its examples, so with all of its options."""
    blocks = [HOST.find("blocks", name) for name in HOST.names("blocks")]
    library = Library(blocks, (), {"import numpy as np"})
    names: dict = {}
    exec(library.header() + "\n".join(library.texts(np.dtype("float64"))), names)
    rng = np.random.default_rng(0)
    for block, inputs in ((block, inputs) for cls in blocks for block, inputs in cls.examples(rng)):
        feed = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
        node = Node("y", block, tuple(None if x is None else f"x{i}" for i, x in enumerate(inputs)))
        made = assemble([node], {name: Spec(x.shape, x.dtype) for name, x in feed.items()}, np.float64)
        feed |= {name: 1 + rng.random(wish.shape) for name, wish in (made.params | made.state).items()}
        (node,) = made.graph.nodes
        expected, _ = forward(made.graph, {"any": np.zeros(1), **feed}, keep=node.outputs, training=False)
        call = library.calls[type(block)]
        alone = eval(f"{call.cls}({', '.join(options_of(block))})", names)
        given = [None if v is None else feed[v] for v in node.inputs]
        context = [names["Context"](given[0] if given else None)] if call.ctx else []
        y = alone.forward(*context, *given, **{name: feed[v] for name, v in node.params.items()})
        y = y[0] if call.pairs else y
        for name, output in zip(node.outputs, y if len(node.outputs) > 1 else (y,), strict=True):
            assert np.asarray(output).tobytes() == np.asarray(expected[name]).tobytes(), (block, name)


def network_of(folder, code, block):
    """A network of one block of the user's own."""
    (folder / "mine.py").write_text(code)
    text = f"blockrun: 1\nplugins: {{local: [mine.py]}}\ninputs: {{x: [3]}}\nnet:\n  y: {block}\n"
    (folder / "net.yaml").write_text(text)
    return load(folder / "net.yaml")


MINE = '''\
"""Blocks of mine."""
from __future__ import annotations

import math as m
from functools import reduce
from typing import Annotated

import numpy as np
from annotated_types import Ge

from blockrun import Block, Param
from blockrun.core.shapes import show_shape

# what everything is multiplied by
FACTOR: float = m.pi


def _scaled(ctx, x: np.ndarray, by: float = FACTOR, *, plus=0.0) -> np.ndarray:
    if ctx.training:
        raise RuntimeError("no")
    elif x.shape == ():
        return x
    given = (lambda FACTOR: FACTOR)(x)
    return reduce(np.multiply, [given, np.asarray(by, x.dtype)]) + np.asarray(plus, x.dtype)  # δ — not ASCII


class Half(Block):
    """A base of its own."""

    def forward(self, ctx, x):
        return self._half(x), None

    def _half(self, x):
        if not x.size:
            raise ValueError(show_shape(x.shape))
        return x / 2


class Mine(Half):
    """y = π (x W) / 2 + plus, and what `forward` names otherwise."""

    plus: Annotated[float, Ge(0)] = 0.0
    kind: str = "a"
    outputs = ("y", "twice")

    def params(self, x):
        return {"W": Param(x.shape[-1:])}

    def forward(self, context, x, *, W):
        if not context.training or self.kind == "b":
            y = _scaled(context, self._half(x) * W, plus=self.plus)
            pair = y, 2 * y
            return pair, None
        return (x, x), None

    def backward(self, context, saved, dy, dtwice):
        return dy, None
'''


def test_a_block_of_a_local_file_comes_with_all_that_it_uses(tmp_path):
    network = network_of(tmp_path, MINE, '{block: mine/mine, plus: 0.25, kind: "quo\\"te"}')
    (script,) = Python().export(Trained(network, ("y", "y.twice")), tmp_path / "model.py")
    text = script.read_text()
    assert "# what everything is multiplied by\nFACTOR = m.pi" in text
    assert "backward" not in text
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = said(script, {"x": x}, tmp_path)
    by_hand = np.float32(np.pi) * (x / 2 * network.params["y.W"]) + np.float32(0.25)
    np.testing.assert_allclose(found["y.twice"], 2 * by_hand, rtol=1e-6)
    assert found["y.twice"].tobytes() == network.forward({"x": x}, ["y.twice"])["y.twice"].tobytes()


BARE = """\
import numpy as np
from blockrun import Block
{}
class Odd(Block):
    def forward(self, ctx, x):
        {}
"""


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("import pluggy", "return x * len(pluggy.__name__), None", "`odd` cannot stand alone: .* uses `pluggy`"),
        ("import blockrun.core.shapes as s", "return x * len(s.show_shape(())), None", "the module .* as a wh"),
        ("from blockrun.core import graph", "return x * len(graph.suggestion('', ())), None", "the module .* as a wh"),
        ("try:\n    import q\nexcept ImportError:\n    q = 2", "return x * q, None", "`q` .* is not made by a plain"),
        ("globals()['q'] = 2", "return x * q, None", "`q` .* is not made by a plain"),
        ("", "import yaml; return x * len(yaml.__name__), None", "uses `yaml`"),
    ],
)  # fmt: skip
def test_what_a_script_cannot_have_is_refused_with_a_reason(tmp_path, head, body, words):
    network = network_of(tmp_path, BARE.format(head, body), "mine/odd")
    with pytest.raises(NotAlone, match=words):
        Python().export(Trained(network, ("y",)), tmp_path / "model.py")
    assert not (tmp_path / "model.py").exists()


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("CALLS = [0]\nCALLS[0] += 1", "return x * CALLS[0], None", "differ in `y`, by up to"),
        ("A = {}\nA['k'] = 2", "return x * A['k'], None", "does not run without blockrun: KeyError: 'k'"),
        ("", "return x * type(self).__module__.count('local'), None", "differ in `y`"),
        ("", "return x + ctx.rng.random(1, dtype=np.float32), None", "does not run without blockrun: AttributeError"),
    ],
)
def test_a_script_that_says_something_else_is_not_written(tmp_path, head, body, words):
    network = network_of(tmp_path, BARE.format(head, body), "mine/odd")
    with pytest.raises(CheckFailed, match=words):
        Python().export(Trained(network, ("y",)), tmp_path / "model.py")
    assert not (tmp_path / "model.py").exists()


def test_a_name_that_python_could_not_import_is_refused(tmp_path):
    with pytest.raises(UsageError, match="letters, digits"):
        Python().export(Trained(load(CONFIGS[0], host=HOST)), tmp_path / "my-model.py")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    folder = tmp_path_factory.mktemp("script")
    network = load(next(file for file in CONFIGS if file.stem == "kamper_mlp1"), host=HOST)
    (path,) = Python().export(Trained(network), folder / "model.py")
    return path


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"y": np.zeros((2, 3))}, "in.npz: there is no array `x`; the network reads x"),
        ({"x": np.zeros((2, 4))}, "in.npz: x has shape (2, 4); it must be (N, 3)"),
        ({"x": np.zeros(3)}, "in.npz: x has shape (3,); it must be (N, 3)"),
        ({"x": np.array([["a"] * 3])}, "in.npz: x is <U1; it must be float32"),
        (None, "in.npz"),
    ],
)
def test_the_command_line_of_a_script_says_what_does_not_fit(script, tmp_path, inputs, words):
    if inputs is not None:
        np.savez(tmp_path / "in.npz", **inputs)
    command = [sys.executable, "-I", str(script), "in.npz", "out.npz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert not (tmp_path / "out.npz").exists()
    assert "usage" in subprocess.run(command[:-1], capture_output=True, text=True, cwd=tmp_path).stderr


def test_more_examples_than_go_at_once_come_in_order(script, tmp_path):
    x = np.random.default_rng(0).standard_normal((600, 3)).astype(np.float32)
    found = said(script, {"x": x}, tmp_path)["a1"]
    one = json.dumps(said(script, {"x": x[599:]}, tmp_path)["a1"].tolist())
    assert found.shape == (600, 2)
    np.testing.assert_allclose(found[599:], json.loads(one), rtol=1e-6)
    assert said(script, {"x": x[:0]}, tmp_path)["a1"].shape == (0, 2)
