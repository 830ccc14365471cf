"""`blockrun export`: what a run has learned, as other programs read it."""

import ast
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.numpy import load_file

from blockrun.plugins.commands.main import main
from blockrun.plugins.data.transform import Transform
from blockrun.plugins.data.transforms.normalise import Normalise
from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import load_checkpoint
from blockrun.plugins.training.run import load_run, train

NET = """\
blockrun: 1
inputs: {x: [6], label: {shape: [], dtype: int64}}
net:
  fc: {block: linear, units: 5}
  norm: batch_norm
  act: relu
  logits: {block: linear, units: 4}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
data:
  train: {source: synthetic, fields: {x: [6], label: {below: 4}}, examples: 40, batch: 8}
train: {minimize: loss, epochs: 3, optimizer: {name: sgd, lr: 0.1}}
callbacks: {best: {callback: keep_best, monitor: train.loss}}
"""


def trained(folder, *overrides):
    (folder / "my-net.yaml").write_text(NET)
    return train(load(folder / "my-net.yaml", f"run.dir={folder / 'runs'}", *overrides)).folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("export"))


@pytest.fixture
def export(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["export", *map(str, arguments)])


def read_npz(path):
    with np.load(path, allow_pickle=False) as found:
        return dict(found)


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, x in expected.items():
        assert (found[name].dtype, found[name].shape) == (x.dtype, x.shape)
        assert found[name].tobytes() == x.tobytes()


@pytest.mark.parametrize(("kind", "read"), [("safetensors", load_file), ("npz", read_npz)])
def test_other_programs_read_every_array_under_its_name(run, export, kind, read):
    done = export(run.path, "--to", kind)
    assert (done.exit_code, done.stdout) == (0, f"my_net.{kind}\n"), done.output
    assert "checkpoint last, the parameters as they are" in done.stderr
    network = load_run(run)
    same(read(f"my_net.{kind}"), {**network.params, **network.state})


def test_the_average_is_what_is_written_where_there_is_one(export, tmp_path):
    run = trained(tmp_path, "+train.average=0.5")
    done = export(run.path, "--to", "safetensors", "-o", "a.safetensors")
    assert "checkpoint last, their moving averages" in done.stderr
    tensors, _ = load_checkpoint(run.checkpoints / "last.safetensors")
    same(load_file("a.safetensors"), {n.partition("/")[2]: x for n, x in tensors.items() if n.startswith("average/")})
    with safe_open("a.safetensors", framework="np") as file:
        assert "fc.W" in file.metadata()["averaged"].split(", ")
        assert str(run.path) in file.metadata()["origin"]


def test_another_checkpoint_is_named_in_either_way(run, export):
    assert export(f"{run.path}:best", "--to", "npz", "-o", "a.npz").exit_code == 0
    assert export(run.path, "--checkpoint", "best", "--to", "npz", "-o", "b.npz").exit_code == 0
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()
    tensors, _ = load_checkpoint(run.checkpoints / "best.safetensors")
    assert read_npz("a.npz")["fc.W"].tobytes() == tensors["params/fc.W"].tobytes()


def test_a_script_gives_what_predict_gives(run, export, monkeypatch, tmp_path):
    done = export(run.path, "--to", "python")
    assert (done.exit_code, done.stdout) == (0, "my_net.py\n"), done.output
    x = np.random.default_rng(0).standard_normal((300, 6)).astype(np.float32)
    np.savez("in.npz", x=x)
    CliRunner().invoke(main, ["predict", str(run.path), "in.npz", "-o", "out.npz"])
    monkeypatch.syspath_prepend(str(tmp_path))
    my_net = importlib.import_module("my_net")

    assert my_net.in_pieces([x])["logits"].tobytes() == read_npz("out.npz")["logits"].tobytes()
    kept = export(run.path, "--to", "python", "--keep", "act", "--keep", "fc", "-o", "parts.py")
    assert kept.exit_code == 0, kept.output
    assert 'return {"act": act, "fc": fc}' in Path("parts.py").read_text()


@pytest.mark.parametrize("below", ["", "data.train.fields.x={shape: [6], below: 9}"])
@pytest.mark.parametrize("per", ["channel", "all"])
def test_a_script_normalises_as_predict_does(export, tmp_path, per, below):
    run = trained(tmp_path, f"+data.transforms=[{{transform: normalise, on: x, per: {per}}}]", *filter(None, [below]))
    done = export(run.path, "--to", "python", "-o", "whole.py")
    assert done.exit_code == 0, done.output
    x = np.random.default_rng(0).integers(0, 9, (5, 6)) if below else np.random.default_rng(0).standard_normal((5, 6))
    np.savez("in.npz", x=x)
    CliRunner().invoke(main, ["predict", str(run.path), "in.npz", "-o", "out.npz"])
    names: dict = {"__name__": "whole"}
    exec(Path("whole.py").read_text(), names)
    found = names["predict"](x)
    assert found["logits"].tobytes() == read_npz("out.npz")["logits"].tobytes()


def test_a_script_says_what_its_inputs_went_through_where_it_cannot_do_it(export, tmp_path, monkeypatch):
    """By theory: with the mean and the deviation that it names, it says what `predict` says of the data as they are."""
    monkeypatch.setattr(Normalise, "expression", Transform.expression)
    run = trained(tmp_path, "+data.transforms=[{transform: normalise, on: x, per: all}]")
    assert export(run.path, "--to", "python", "-o", "after.py").exit_code == 0
    about = ast.get_docstring(ast.parse(Path("after.py").read_text()))
    mean, std = (float(re.search(rf"x is after normalise .*{key} \[?([-.\de]+)", about)[1]) for key in ("mean", "std"))
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    np.savez("in.npz", x=x)
    CliRunner().invoke(main, ["predict", str(run.path), "in.npz", "-o", "out.npz"])
    names: dict = {"__name__": "after"}
    exec(Path("after.py").read_text(), names)
    found = names["predict"]((x - np.float32(mean)) / np.float32(std))
    np.testing.assert_allclose(found["logits"], read_npz("out.npz")["logits"], rtol=1e-5, atol=1e-6)


def test_no_name_of_a_folder_breaks_a_script(export, tmp_path):
    run = trained(tmp_path, "run.dir='" + str(tmp_path / 'a"""b' / "\\N{x} é") + "'")
    done = export(run.path, "--to", "python", "-o", "odd.py")
    assert done.exit_code == 0, done.output
    assert str(run.path) in (ast.get_docstring(ast.parse(Path("odd.py").read_text())) or "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--to", "onnx"], 2, "unknown exporter `onnx`"),
        (["--to", "npzz"], 2, "did you mean `npz`?"),
        ([], 2, "Missing option '--to'"),
        (["--to", "npz", "-o", "a.py"], 2, "a.py: a npz file ends in .npz"),
        (["--to", "python", "-o", "a-b.py"], 2, "a script is called by letters, digits and `_`"),
        (["--to", "python", "--keep", "logit"], 2, "did you mean `logits`?"),
        (["--to", "npz", "--checkpoint", "bst"], 7, "did you mean `best`?"),
        (["--to", "npz", "-o", "no/a.npz"], 7, "no/a.npz"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(run, export, arguments, code, words):
    done = export(run.path, *arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(Path().iterdir()) == []


def test_two_checkpoints_at_once_are_refused(run, export):
    assert "both name a checkpoint" in export(f"{run.path}:best", "--checkpoint", "best", "--to", "npz").stderr


def test_a_plugin_can_add_a_format(run, export, tmp_path):
    code = (
        "from blockrun.plugins.export.contracts import Exporter\n"
        "class Names(Exporter):\n"
        "    suffix = '.txt'\n"
        "    def export(self, trained, path):\n"
        "        path.write_text(' '.join(trained.arrays))\n"
        "        return [path]\n"
    )
    (tmp_path / "names_format.py").write_text(code)
    (tmp_path / "my-net.yaml").write_text(NET + "plugins: {local: [names_format.py]}\n")
    own = train(load(tmp_path / "my-net.yaml", f"run.dir={tmp_path / 'runs'}")).folder
    done = export(own.path, "--to", "names", "-o", "names.txt")
    assert done.exit_code == 0, done.output
    assert Path("names.txt").read_text().split()[:2] == ["fc.W", "fc.b"]
