"""What an inspecting command is about: a network file, or the network of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockrun.plugins.errors import UsageError

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network


def is_file(subject: str) -> bool:
    """Whether a network file is meant, there or not, and no run."""
    path = Path(subject)
    if path.suffix in (".yaml", ".yml"):
        return True
    return path.exists() and path.suffix != ".safetensors" and not (path / "run.json").exists()


def network_of(subject: str, overrides: tuple[str, ...], host: Any) -> Network:
    """The network of a file with overrides, or that of a run as `find_folder` finds it, with what it learned."""
    if is_file(subject):
        from blockrun.plugins.network.build import load

        return load(subject, *overrides, host=host)
    from blockrun.plugins.training.folder import find_folder
    from blockrun.plugins.training.run import load_run

    if overrides:
        raise UsageError(f"a run is as it was; `{overrides[0]}` cannot change it", help="give its cfg.yaml instead")
    return load_run(find_folder(subject), host)
