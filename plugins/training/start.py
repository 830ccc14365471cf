"""Training that starts from what another run has learned: which of it fits where, and what is left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from blockrun.core.shapes import show_shape
from blockrun.plugins.errors import UsageError
from blockrun.plugins.suggest import did_you_mean

from .checkpoint import Loaded, Tensors, load_checkpoint, load_latest
from .environment import digest
from .folder import LAST, find_folder

if TYPE_CHECKING:
    from blockrun.plugins.network.network import Network


@dataclass(frozen=True)
class Start:
    """What came of it.

    origin    the file that it is from, and `sha256` of it;  warning   why it is not the one that was asked for, or ""
    averaged  whether that holds a moving average, which was then taken
    loaded    the parameters and state that were set, each with the name that it has there
    initial   those that are as they were drawn
    unused    names of what is there and has no place here, or was to be left out
    misfits   names of what has a place here of another shape: its own name, its shape, and that which is wanted
    """

    origin: str
    sha256: str
    warning: str
    averaged: bool
    maps: tuple[str, ...]
    loaded: dict[str, str]
    initial: list[str]
    unused: list[str]
    misfits: dict[str, tuple[str, tuple[int, ...], tuple[int, ...]]]

    def as_data(self) -> dict[str, Any]:
        """For `run.json`."""
        shapes = {name: {"here": list(here), "there": list(there)} for name, (_, there, here) in self.misfits.items()}
        return {
            "origin": self.origin, "sha256": self.sha256, "averaged": self.averaged, "map": list(self.maps),
            "loaded": self.loaded, "initial": self.initial, "unused": self.unused, "other_shape": shapes,
        }  # fmt: skip

    def rows(self) -> list[tuple[str, str]]:
        """What there is to say, each with its names."""
        shown = [new if old == new else f"{new} from {old}" for new, old in self.loaded.items()]
        shapes = [f"{n} {show_shape(here)}, there {show_shape(there)}" for n, (_, there, here) in self.misfits.items()]
        rows = ("loaded", shown), ("initial", self.initial), ("other shape", shapes), ("not used", self.unused)
        return [(f"{what} {len(names)}:", ", ".join(names)) for what, names in rows if names]


class _Map(NamedTuple):
    """A change of names: `pattern` fits one of them, and what each of its stars stands for goes into `new`."""

    text: str
    pattern: re.Pattern[str]
    new: str

    def __call__(self, name: str) -> str | None:
        """The new name of one that fits, "" for one that is to be left out; None for another."""
        found = self.pattern.fullmatch(name)
        if found is None:
            return None
        parts = self.new.split("*")
        return parts[0] + "".join(text + part for text, part in zip(found.groups(), parts[1:], strict=False))


def start_from(network: Network, run: str, maps: Iterable[str] = ()) -> Start:
    """Set what `network` has under the names, and in the shapes, that `run` has: a run or a checkpoint file.

    `maps` are `old=new`, stars standing for anything, or `old=` for what to leave out; the first that fits a name
    counts. Raises `UsageError` if nothing fits, or a map does not, and `RunError` for a run that cannot be read.
    """
    maps = tuple(maps)
    loaded = _load(run, network.sections.run.dir)
    there = _learned(loaded.tensors)
    places = _placed(list(there), [_read_map(text) for text in maps])
    here = {**network.params, **network.state}
    fits = {new: old for old, new in places.items() if new in here and here[new].shape == there[old].shape}
    misfits = {
        new: (old, there[old].shape, here[new].shape) for old, new in places.items() if new in here and new not in fits
    }
    unused = [old for old, new in places.items() if new not in here]
    if not fits:
        raise UsageError(
            f"nothing of {loaded.path} fits {network.document.file}", help=_why(misfits, list(here), unused)
        )
    for arrays in (network.params, network.state):
        arrays.update({n: there[fits[n]].astype(x.dtype) for n, x in arrays.items() if n in fits})
    averaged = any(name.startswith("average/") for name in loaded.tensors)
    initial = [name for name in here if name not in fits]
    return Start(
        str(loaded.path), digest(loaded.path), loaded.warning, averaged, maps,
        {name: fits[name] for name in here if name in fits}, initial, unused, misfits,
    )  # fmt: skip


def _load(run: str, root: Path) -> Loaded:
    """The checkpoint that a run is meant by, or a file of one, wherever it is."""
    path = Path(run)
    if path.is_file():
        return Loaded(*load_checkpoint(path), path, "")
    folder = find_folder(run, root)
    return load_latest(folder.checkpoints, folder.checkpoint or LAST)


def _learned(tensors: Tensors) -> Tensors:
    """Parameters and state by name, as evaluation takes them: their average where there is one."""
    found: Tensors = {}
    for kind in ("params", "state", "average"):
        found |= {n.partition("/")[2]: x for n, x in tensors.items() if n.startswith(f"{kind}/")}
    return found


def _read_map(text: str) -> _Map:
    old, equals, new = text.partition("=")
    if not equals or not old:
        raise UsageError(f"--map {text}: must read old=new", help="such as --map 'encoder.*=features.*'")
    if new and old.count("*") != new.count("*"):
        fact = f"--map {text}: `{old}` has {old.count('*')} stars, `{new}` has {new.count('*')}"
        raise UsageError(fact, help="what a star of the one stands for goes where that of the other is")
    pattern = re.compile("(.*)".join(map(re.escape, old.split("*"))), re.DOTALL)
    return _Map(text, pattern, new)


def _placed(names: list[str], maps: list[_Map]) -> dict[str, str]:
    """Where each of `names` goes, "" for nowhere; raises `UsageError` for a map without use and for two in a place."""
    places, used = {}, set()
    for name in names:
        found = next(((each, each(name)) for each in maps if each(name) is not None), None)
        places[name] = name if found is None else found[1] or ""
        used |= {found[0].text} if found else set()
    for each in maps:
        if each.text not in used:
            old = each.text.partition("=")[0]
            raise UsageError(f"--map {each.text}: `{old}` fits nothing there", help=did_you_mean(old, names, "it has"))
    taken: dict[str, str] = {}
    for old, new in places.items():
        if new and taken.setdefault(new, old) != old:
            raise UsageError(f"`{taken[new]}` and `{old}` would both be `{new}`", help=f"--map '{old}=' leaves one out")
    return places


def _why(misfits: dict[str, Any], here: list[str], unused: list[str]) -> str:
    if misfits:
        name, (_, there, wanted) = next(iter(misfits.items()))
        return f"`{name}` has shape {show_shape(there)} there and {show_shape(wanted)} here"
    shown = [", ".join(names[:3]) + (", ..." if len(names) > 3 else "") for names in (unused, here)]
    return f"there it is {shown[0] or 'empty'}, here {shown[1] or 'nothing'}; --map 'old=new' brings names together"
