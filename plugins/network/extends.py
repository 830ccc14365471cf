"""`extends`: a network file that is written as what is different from others, and the places of all that is merged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .diagnostics import ConfigError, Diagnostic, Mark
from .document import BROKEN, Document, KeyPath
from .scan import read_document
from .shorthand import expanded, is_net, naming

MOST_FILES = 32


def read_file(file: str | Path, folder: Path | None = None, instead: Mapping[str, Path] | None = None) -> Document:
    """Read a network file and those that it extends, merged; raises `ConfigError`.

    Relative paths in it start from `folder`, by default its own. `instead` are files to read in the place of others,
    by absolute path.
    """
    return _Reading(instead or {}).read(Path(file), folder, ())


class _Reading:
    """Reads one file and what it extends. The files on the way to one are its `chain`."""

    def __init__(self, instead: Mapping[str, Path]) -> None:
        self.instead = instead
        self.count = 0

    def read(self, file: Path, folder: Path | None, chain: tuple[str, ...]) -> Document:
        key = os.path.abspath(file)
        self.count += 1
        document = read_document(self.instead.get(key, file), str(file))
        document.folder = file.parent if folder is None else folder
        document.folders[document.file] = document.folder
        written = document.data.pop("extends", None) if isinstance(document.data, dict) else None
        under: Document | None = None
        for path, name in _bases(document, written):
            base = self._base(document, path, name, (*chain, key))
            under = base if under is None else merge(under, base)
        return document if under is None else merge(under, document)

    def _base(self, document: Document, path: KeyPath, name: str, chain: tuple[str, ...]) -> Document:
        """The file `name` that a document extends, its own bases merged."""
        place = document.places[path]
        file = document.folder / name
        if os.path.abspath(file) in chain:
            shown = [*(Path(f).name for f in chain[chain.index(os.path.abspath(file)) :]), file.name]
            fact = f"files that extend one another: {' -> '.join(shown)}"
            raise ConfigError([*document.problems, Diagnostic("E018", fact, place.value, "leads back here")])
        if os.path.exists(file) and not (os.path.isfile(file) or os.path.isdir(file)):
            fact = f"{file} is a device or a pipe, not a file"
            raise ConfigError([*document.problems, Diagnostic("E001", fact, place.value, "extended here")])
        if self.count >= MOST_FILES:
            fact = f"more than {MOST_FILES} files are extended"
            raise ConfigError([*document.problems, Diagnostic("E006", fact, place.value, "one too many")])
        try:
            base = self.read(file, None, chain)
        except ConfigError as error:
            seen = [_seen_from(d, str(file), place.value) for d in error.diagnostics]
            raise ConfigError([*document.problems, *seen]) from None
        base.problems = [_seen_from(problem, str(file), place.value) for problem in base.problems]
        if not isinstance(base.data, dict) and base.data is not BROKEN:
            base.problems.append(Diagnostic("E004", f"{file} is not a map of sections", place.value, "extended here"))
        base.extended = {other: (*marks, place.value) for other, marks in base.extended.items()}
        base.extended[base.file] = (place.value,)
        base.files[os.path.abspath(file)] = base.raw
        return base


def _bases(document: Document, written: Any) -> list[tuple[KeyPath, str]]:
    """The places and names in `extends`; complains about what is not a name."""
    listed = written if isinstance(written, list) else [] if written is None else [written]
    found: list[tuple[KeyPath, str]] = []
    for i, name in enumerate(listed):
        path: KeyPath = ("extends", i) if isinstance(written, list) else ("extends",)
        if isinstance(name, str) and name:
            found.append((path, name))
        elif name is not BROKEN:
            fact = "`extends` must be the name of a file, or a list of them"
            document.problems.append(Diagnostic("E004", fact, document.places[path].value, "not a name"))
    return found


def _seen_from(diagnostic: Diagnostic, file: str, mark: Mark) -> Diagnostic:
    """The same where `file` is extended at `mark`; an error without a place of its own is about that."""
    if diagnostic.mark is None:
        return replace(diagnostic, mark=mark, label="extended here")
    return replace(diagnostic, notes=(*diagnostic.notes, extended_at(file, mark)))


def extended_at(file: str, mark: Mark) -> str:
    """The note that a file is extended at `mark`."""
    return f"{file} is extended at {mark}"


def merge(under: Document, over: Document) -> Document:
    """`over` put on `under`, map by map; lists, numbers and text are replaced. What names a component replaces it."""
    if not isinstance(under.data, dict) or not isinstance(over.data, dict):
        kept = over if isinstance(over.data, dict) or not isinstance(under.data, dict) else under
        return replace(kept, problems=[*under.problems, *over.problems])
    merging = _Merging(under, over)
    merging.maps(under.data, over.data, ())
    return replace(
        over, data=under.data, places=merging.places(), problems=[*under.problems, *over.problems],
        added=under.added | over.added | merging.added, files={**under.files, **over.files},
        extended={**under.extended, **over.extended}, folders={**under.folders, **over.folders},
    )  # fmt: skip


class _Merging:
    """Merges values and remembers which of the two places each now has."""

    def __init__(self, under: Document, over: Document) -> None:
        self.under, self.over = under, over
        self.added: set[KeyPath] = set()
        self._kept: set[KeyPath] = set()  # maps of `under` that go on

    def maps(self, under: dict[str, Any], over: dict[str, Any], path: KeyPath) -> None:
        self._kept.add(path)
        grows = is_net(path) and bool(under)
        for key, value in over.items():
            here = (*path, key)
            if key not in under:
                under[key] = value
                self.added |= {here} if grows else set()
                continue
            below, above = expanded(under[key], here), expanded(value, here)
            if isinstance(below, dict) and isinstance(above, dict) and value is above and _same(below, above, here):
                under[key] = below
                self.maps(below, above, here)
            else:
                under[key] = value
                self.under.forget(here)

    def places(self) -> dict[KeyPath, Any]:
        own = {path: place for path, place in self.over.places.items() if path not in self._kept}
        return {**self.under.places, **own}


def _same(under: dict[str, Any], over: dict[str, Any], path: KeyPath) -> bool:
    """Whether what `over` says is about the component that `under` names: it names the same, or none."""
    said = {key: over[key] for key in naming(path) if key in over}
    return all(under.get(key) == value for key, value in said.items())
