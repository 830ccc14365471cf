"""What `init` and `freeze` say about parameters and state, of a node or of everything inside the use of a template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from blockrun.core.assemble import Assembly
from blockrun.plugins.host import Host
from blockrun.plugins.suggest import did_you_mean

from .document import KeyPath, is_broken
from .nodes import Draft, find_component
from .paths import paths_of
from .reader import Cursor, show_plain
from .wiring import Wiring

CONSTANT = ("zeros", "ones", "constant", "parts")  # initialisers that a bare `init` of a node leaves as they are


@dataclass
class Said:
    """What one node, or one use of a template, says: by glob, "" for all that is inside.

    `names` are the parameters inside, as seen from there; `used` the keys and globs that have fitted one.
    """

    inits: dict[str, tuple[Any, Cursor]] = field(default_factory=dict)
    freezes: dict[str, tuple[bool, Cursor]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)

    def init(self, name: str, bare: bool) -> tuple[Any, Cursor] | None:
        """What is said the parameter `name` starts as; `bare` whether that is so too where no name is given."""
        return self._find("init", self.inits, name, bare)

    def freeze(self, name: str) -> tuple[bool, Cursor] | None:
        """Whether it is said that the parameter `name` is frozen."""
        return self._find("freeze", self.freezes, name, True)

    def _find(self, key: str, said: dict[str, tuple[Any, Cursor]], name: str, bare: bool) -> tuple[Any, Cursor] | None:
        glob = next((glob for glob in said if glob and fnmatchcase(name, glob)), "")
        if glob not in said or not (glob or bare):
            return None
        self.used.add((key, glob))
        return said[glob]

    def everything(self) -> Iterator[tuple[str, str, Cursor]]:
        """The key, the glob and the place of all that asks for an effect."""
        yield from (("init", glob, at) for glob, (_, at) in self.inits.items())
        yield from (("freeze", glob, at) for glob, (yes, at) in self.freezes.items() if yes)


@dataclass(frozen=True)
class Learned:
    """The assembly with what parameters start as put in, the names that are frozen, and where `init` says what.

    `inits` are the parameters that the file says something of.
    """

    assembly: Assembly
    frozen: frozenset[str]
    places: dict[str, KeyPath]
    inits: dict[str, Any]

    def spelt_out(self, node: str) -> dict[str, Any]:
        """The `init` and `freeze` of a node, each parameter by its name."""
        own = {part: variable for variable, (maker, part) in self.assembly.makers.items() if maker == node}
        inits = {part: self.inits[variable] for part, variable in own.items() if variable in self.inits}
        frozen = [part for part, variable in own.items() if variable in self.frozen]
        freeze: Any = True if len(frozen) == len(own) else frozen
        return ({"init": inits} if inits else {}) | ({"freeze": freeze} if frozen else {})


class Reader:
    """Reads what the nodes of a file say about their parameters."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._read: dict[KeyPath, Said] = {}
        self._blamed: set[KeyPath] = set()

    def learned(self, wiring: Wiring, assembly: Assembly) -> Learned:
        """What is said about the parameters and state of `assembly`; the first node that uses one has the say."""
        found: dict[str, tuple[Draft, Any, Any]] = {}
        wishes: dict[str, Any] = {**assembly.params, **assembly.state}
        for draft in wiring.expansion.drafts:
            for cursor in (draft.cursor, *(scope.use for scope in draft.scope.outwards() if scope.use is not None)):
                self._said(cursor)
        for draft, part, variable in _parts(wiring):
            if variable in wishes:
                init, freeze = self._about(draft, part, _starts_at_random(draft, part, wishes[variable].init))
                owner = found.setdefault(variable, (draft, init, freeze))
                self._agree(variable, owner[0], init, owner[1])
                self._agree(variable, owner[0], freeze, owner[2])
        inits = {variable: init for variable, (_, init, _) in found.items() if init is not None}
        params = {n: replace(wish, init=inits[n][0]) if n in inits else wish for n, wish in assembly.params.items()}
        state = {n: replace(wish, init=inits[n][0]) if n in inits else wish for n, wish in assembly.state.items()}
        frozen = frozenset(variable for variable, (_, _, freeze) in found.items() if freeze is not None and freeze[0])
        places = {variable: cursor.path for variable, (_, cursor) in inits.items()}
        made = replace(assembly, params=params, state=state)
        return Learned(made, frozen, places, {variable: init for variable, (init, _) in inits.items()})

    def finish(self) -> None:
        """Complain about what has no effect on any copy of a node."""
        written = {path: next(iter(said.everything()))[2].problems.document.written(path)
                   for path, said in self._read.items() if any(said.everything())}  # fmt: skip
        used = {(written[path], *key) for path in written for key in self._read[path].used}
        for path, at in written.items():
            for key, glob, cursor in self._read[path].everything():
                if (at, key, glob) not in used:
                    _useless(key, glob, cursor, self._read[path].names)

    def _agree(self, variable: str, owner: Draft, mine: Any, theirs: Any) -> None:
        """Complain where a node that shares a parameter says something else of it than the one it belongs to."""
        if mine is None or mine[1].path in self._blamed:
            return
        if (theirs is not None and mine[0] == theirs[0]) or (theirs is None and mine[0] is False):
            return
        self._blamed.add(mine[1].path)
        fact = f"`{variable}` belongs to `{owner.name}`, the first node that uses it, which says otherwise"
        related = [(owner.cursor.path if theirs is None else theirs[1].path, "what counts is said here")]
        mine[1].error("E039", fact, "has no effect", f"say it of `{owner.name}`", related=related)

    def _about(self, draft: Draft, part: str, random: bool) -> tuple[Any, Any]:
        """What is said about one parameter: by its node, or else by the nearest use of a template around it."""
        init = freeze = None
        name = f"{draft.name}.{part}"
        around = [(scope.use, len(scope.path) + 1) for scope in draft.scope.outwards() if scope.use is not None]
        for cursor, start in ((draft.cursor, len(draft.name) + 1), *around):
            said = self._said(cursor)
            said.names.append(name[start:])
            init = init or said.init(name[start:], random)
            freeze = freeze or said.freeze(name[start:])
        return init, freeze

    def _said(self, cursor: Cursor) -> Said:
        if cursor.path not in self._read:
            self._read[cursor.path] = said = Said()
            if "init" in cursor and not is_broken(cursor.value["init"]):
                said.inits = self._inits(cursor["init"])
            if "freeze" in cursor and not is_broken(cursor.value["freeze"]):
                said.freezes = _freezes(cursor["freeze"])
        return self._read[cursor.path]

    def _inits(self, cursor: Cursor) -> dict[str, tuple[Any, Cursor]]:
        all_inside = not isinstance(cursor.value, dict) or "name" in cursor.value
        found = {"": cursor} if all_inside else dict(cursor.items())
        return {glob: (init, at) for glob, at in found.items() if (init := self._init(at)) is not None}

    def _init(self, cursor: Cursor) -> Any:
        """A number, the name of an initialiser, or a map with its options; None, with a complaint, for other things."""
        if isinstance(cursor.value, (int, float)) and not isinstance(cursor.value, bool):
            return cursor.value
        named = cursor.expanded("name")
        if not isinstance(named.value, dict) or "name" not in named.value:
            fact = f"{cursor.name} is {show_plain(cursor.value)}; it must be a number, the name of an initialiser"
            help = cursor.meant("name") if isinstance(cursor.value, dict) else ""
            cursor.error("E004", f"{fact}, or a map with `name:`", "not an initialiser", help)
            return None
        cls = find_component(self.host, "inits", "name", named, "E060")
        given = {key: value for key, value in named.value.items() if key != "name"}
        made: Any = None if cls is None else named.options(cls, given, f"initialiser {cls.name}")
        if made is None or not given:
            return None if made is None else named.value["name"]
        folder_of = cursor.problems.document.folder_of
        paths = {name: str(folder_of((*cursor.path, name)) / path) for name, path in paths_of(made).items()}
        return {**named.value, **paths}


def _freezes(cursor: Cursor) -> dict[str, tuple[bool, Cursor]]:
    if isinstance(cursor.value, bool):
        return {"": (cursor.value, cursor)}
    items = [cursor[i] for i in range(len(cursor.value))] if isinstance(cursor.value, list) else [cursor]
    for item in items:
        if not isinstance(item.value, str):
            fact = f"{item.name} is {show_plain(item.value)}; it must be true, false, or names of parameters"
            item.error("E004", fact, "does not fit")
    return {item.value: (True, item) for item in items if isinstance(item.value, str)}


def _parts(wiring: Wiring) -> Iterator[tuple[Draft, str, str]]:
    """Every parameter and state that a node might have, with its variable."""
    for draft in wiring.expansion.drafts:
        for part in draft.block.signature.made if draft.block is not None else ():
            yield draft, part, wiring.parameter(draft, part)


def _starts_at_random(draft: Draft, part: str, init: Any) -> bool:
    """Whether a bare `init` is about this parameter: one that its block draws at random, or its only one."""
    name = init.get("name") if isinstance(init, dict) else init
    alone = draft.block is not None and draft.block.signature.made == (part,)
    return alone or (isinstance(name, str) and name not in CONSTANT)


def _useless(key: str, glob: str, cursor: Cursor, names: list[str]) -> None:
    if glob:
        fact, help = f"`{glob}` fits no parameter", did_you_mean(glob, names, "there are") or "there are none here"
    elif key == "init":
        fact, help = "no parameter here starts at random", "name the one that is meant, such as `init: {b: 0.1}`"
    else:
        fact, help = "there is nothing to freeze", "leave it out"
    cursor.error("E038", f"`{key}` has no effect: {fact}", "no effect", help, key=cursor.path[-1] == glob)
