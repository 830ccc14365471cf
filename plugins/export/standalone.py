"""A network as one NumPy script, which is run beside the network before anybody is given it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.plugins.errors import CheckFailed, UsageError
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.training.files import write_atomic
from blockrun.plugins.training.threads import limit_threads, threads_for

from .arrays import npz
from .contracts import Array, Exporter, Trained
from .script import Script

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network

EMBEDDED = 2**18  # bytes of weights that a script holds in itself, as 350 kB of text; more go into a file beside it
EXAMPLES = 7  # that the script is tried on
SECONDS = 600
ALONE = """
import json, runpy, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv.pop(1)), None))  # whoever imports these gets an ImportError
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Python(Exporter):
    """One NumPy script without blockrun: `predict(...)`, and `python model.py in.npz out.npz`.

    It is first run on a few examples by a Python of its own and must say the same as the network, bit for bit.
    """

    suffix = ".py"

    def export(self, trained: Trained, path: Path) -> list[Path]:
        if not re.fullmatch(r"[A-Za-z_]\w*\.py", path.name):
            raise UsageError(
                f"{path}: a script is called by letters, digits and `_`, and .py", help="or else import fails"
            )
        script = Script(trained)
        beside = f"{path.stem}.weights.npz" if sum(x.nbytes for x in script.weights.values()) > EMBEDDED else ""
        files = {path.name: script.text(path.stem, beside).encode()}
        if beside:
            files = {beside: npz(script.weights), **files}
        _try(trained, script, files, path.name)
        for name, data in files.items():
            write_atomic(path.parent / name, data)
        return [path.parent / name for name in reversed(files)]


def _try(trained: Trained, script: Script, files: dict[str, bytes], name: str) -> None:
    """Raise `CheckFailed` unless the script says what the network says, from the same number of threads."""
    network = trained.network
    examples = draw_inputs(network, EXAMPLES)
    fed = {name: x for name, x in network.feed(examples).items() if name in script.inputs}
    with limit_threads(network):
        expected = network.forward(fed, trained.outputs)
    fed |= _before_transforms(network, [name for name, before in script.before.items() if before.done])
    with tempfile.TemporaryDirectory() as folder:
        for file, data in {**files, "in.npz": npz(fed)}.items():
            (Path(folder) / file).write_bytes(data)
        _run(Path(folder), name, _foreign(script), threads_for(network))
        with np.load(Path(folder) / "out.npz", allow_pickle=False) as found:
            for variable in trained.outputs:
                _compare(variable, found[variable], expected[variable])


def _before_transforms(network: Network, names: list[str]) -> dict[str, Array]:
    """The same examples as the data have them."""
    transforms = network.sections.transforms
    if not names or transforms is None or transforms.training is None:
        return {}
    fields = transforms.training.read(np.arange(min(EXAMPLES, transforms.training.describe().examples)))
    return {name: fields[network.inputs[name].source] for name in names}


def _foreign(script: Script) -> list[str]:
    """The packages that the script must do without."""
    return sorted({"blockrun", *(type(node.block).__module__.partition(".")[0] for node in script.nodes)})


def _run(folder: Path, name: str, foreign: list[str], threads: int) -> None:
    command = [sys.executable, "-I", "-W", "error", "-c", ALONE, json.dumps(foreign), name, "in.npz", "out.npz"]
    limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **limits},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"the script took more than {SECONDS} seconds for {EXAMPLES} examples") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        help = "a block does something that its source does not show; export npz or safetensors instead"
        raise CheckFailed(f"the script does not run without blockrun: {last}", help=help)


def _compare(name: str, found: Array, expected: Any) -> None:
    expected = np.asarray(expected)
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        said = f"{found.dtype} {found.shape}, the network {expected.dtype} {expected.shape}"
        raise CheckFailed(f"the script makes `{name}` {said}")
    if found.tobytes() != expected.tobytes():
        far = np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()
        help = "a block computes something that its source does not show, such as from what it saw before"
        raise CheckFailed(f"the script and the network differ in `{name}`, by up to {far:.3g}", help=help)
