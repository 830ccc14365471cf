"""Parameters and state as arrays under their names, in the two containers that every library reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from blockrun.plugins.errors import UserError
from blockrun.plugins.training.files import write_atomic

from .contracts import Array, Exporter, Trained


class Npz(Exporter):
    """One NumPy archive: `np.load(file)["fc1.W"]`."""

    suffix = ".npz"

    def export(self, trained: Trained, path: Path) -> list[Path]:
        write_atomic(path, npz(trained.arrays))
        return [path]


class Safetensors(Exporter):
    """One file of the safetensors package, with where it is from in its metadata."""

    suffix = ".safetensors"

    def export(self, trained: Trained, path: Path) -> list[Path]:
        from safetensors.numpy import save

        contiguous = {name: np.ascontiguousarray(x).reshape(x.shape) for name, x in trained.arrays.items()}
        about = {"origin": trained.origin, "averaged": ", ".join(sorted(trained.averaged))}
        write_atomic(path, save(contiguous, metadata=about))
        return [path]


def npz(arrays: dict[str, Array]) -> bytes:
    """The bytes of an archive of `arrays`, in which nothing is pickled; raises `UserError`."""
    taken = next((name for name in ("file", "allow_pickle") if name in arrays), None)
    if taken is not None:
        raise UserError(f"an array of an .npz file cannot be called `{taken}`", help="export safetensors instead")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
