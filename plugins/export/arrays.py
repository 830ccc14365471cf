"""Parameters and state as arrays under their names, in the two containers that every library reads."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

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
    """The bytes of an archive of `arrays`, whatever they are called, which `np.savez` cannot; nothing is pickled."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, x in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(x), allow_pickle=False)
    return buffer.getvalue()
