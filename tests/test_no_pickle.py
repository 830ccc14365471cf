"""Nothing is ever unpickled: no code of ours names a module that could, and nothing that reads a file calls one."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
FILES = [file for folder in ("core", "blocks", "plugins", "blockrun") for file in (ROOT / folder).rglob("*.py")]
UNPICKLE = {"pickle", "_pickle", "cPickle", "marshal", "dill", "cloudpickle", "joblib", "shelve", "copyreg"}


def names(file: Path) -> set[str]:
    """Every module that is imported, and every name, attribute, keyword and word of a string."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, (ast.Name, ast.Attribute)):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found.add(f"allow_pickle={ast.unparse(node.value)}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(node.value.split()) & UNPICKLE
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_code_of_ours_names_what_unpickles(file):
    """`np.load` would, if a keyword let it, which ours says not to."""
    used = names(file)
    assert used.isdisjoint(UNPICKLE)
    assert {name for name in used if name.startswith("allow_pickle")} <= {"allow_pickle=False"}


READER = """
import pickle, sys
from pathlib import Path
import numpy as np
import numpy.lib._npyio_impl, numpy.lib._format_impl
from blockrun.plugins.errors import UserError
from blockrun.plugins.network import load
from blockrun.plugins.training.checkpoint import load_checkpoint
from blockrun.plugins.training.file_init import FromFile
from blockrun.plugins.training.folder import open_folder
from blockrun.plugins.training.run import load_run, resume, train

folder, run = Path(sys.argv[1]), None
run = train(load(folder / "net.yaml", f"run.dir={folder / 'runs'}")).folder  # everything is imported now
used = []

def refuse(*args, **kwargs):
    used.append(args)
    raise AssertionError("unpickled")

for module in (pickle, numpy.lib._format_impl.pickle):
    for name in ("load", "loads", "Unpickler"):
        setattr(module, name, refuse)
sys.addaudithook(lambda event, args: event == "pickle.find_class" and used.append(args))
load_run(open_folder(run.path))
refusals = 0
for path in sorted(folder.glob("hostile*")):
    readers = [lambda: load_checkpoint(path), lambda: open_folder(path.parent / "as_run"),
               lambda: load(folder / "net.yaml", f"data.train.path={path.name}")]
    if path.suffix in (".npz", ".safetensors"):
        readers.append(lambda: FromFile(path=path, key="w")(None, (1,), (1, 1), np.float32))
    for read in readers:
        try:
            read()
        except UserError:
            refusals += 1
assert not used, used
print(refusals)
"""
NETWORK = """\
blockrun: 1
inputs: {x: [2], y: [1]}
net:
  fc: {block: linear, units: 1, in: x}
  loss: {block: sum_of_squares, in: [fc, y]}
data: {train: {source: npz, path: data.npz, batch: 4}}
train: {epochs: 1, optimizer: {name: sgd, lr: 0.01}}
"""


class Evil:
    """Unpickling this would run code."""

    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_nothing_that_reads_a_file_unpickles(tmp_path):
    """Checkpoints, run folders, data and initial values that are pickles, or hold them: refused, and never opened."""
    np.savez(tmp_path / "data.npz", x=np.ones((8, 2)), y=np.ones((8, 1)))
    (tmp_path / "net.yaml").write_text(NETWORK)
    for suffix in (".npz", ".safetensors", ".pt"):
        (tmp_path / f"hostile{suffix}").write_bytes(pickle.dumps(Evil()))
    with (tmp_path / "hostile2.npz").open("wb") as file:
        np.savez(file, x=np.array([Evil()] * 2, dtype=object), w=np.array([Evil()], dtype=object))
    (tmp_path / "as_run").mkdir()
    (tmp_path / "as_run" / "run.json").write_bytes(pickle.dumps(Evil()))
    done = subprocess.run([sys.executable, "-c", READER, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 4 * 3 + 3
