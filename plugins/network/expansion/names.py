"""Looking names up: what each comes to in the end, and what was probably meant by one that comes to nothing."""

from __future__ import annotations

from blockrun.plugins.suggest import closest, did_you_mean, listing

from ..reader import Cursor, Problems, show_plain
from .entries import Parameters
from .scopes import Alias, Lost, Pick, Scope, Source, Step, Target


class Names:
    """Looks names up in scopes. `lost` are the paths of what could not be made out."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.lost: set[str] = set()

    def give_up(self, path: str) -> Lost:
        """An entry for what could not be made out, about which enough has been said."""
        self.lost.add(path)
        return Lost(path)

    def target(self, source: Source, scope: Scope, at: Cursor) -> Target | None:
        """What `source` comes to in `scope`, for the node at `at`; None, with a complaint, if that is nothing."""
        step: Step = source if isinstance(source, Pick) else scope.pick(source.value)
        passed: list[Alias] = []
        while isinstance(step, Pick):
            alias = step.entry if isinstance(step.entry, Alias) else None
            if alias is not None and step.part:
                self.settle(alias)
            elif alias is not None and alias in passed:
                self._circle([*passed[passed.index(alias) :], alias])
                step = Target(None, alias.path)
                break
            elif alias is not None and alias.source is not None:
                passed.append(alias)
            step = step.entry.step(step.part)
        if step is not None:
            found = step
        elif not passed:
            self._unknown(source, scope, at)
            return None
        else:
            last = passed[-1]
            assert last.source is not None
            self._unknown(last.source, last.scope, last.at)
            found = Target(None, last.path)
        if found.node is None and any(alias.path == found.part for alias in passed):
            self.lost.add(found.part)
        for alias in passed:
            alias.found = found
        return found

    def settle(self, alias: Alias) -> None:
        """Find out what an alias stands for."""
        if alias.found is None and alias.source is not None:
            self.target(Pick(alias), alias.scope, alias.at)

    def _circle(self, loop: list[Alias]) -> None:
        shown = " -> ".join(f"`{alias.path}`" for alias in loop)
        help = "a node that is left out stands for what it reads, which must not be itself"
        loop[0].at.error("E034", f"a circle of names: {shown}", "leads back here", help, key=True)

    def _unknown(self, source: Source, scope: Scope, at: Cursor) -> None:
        picked = isinstance(source, Pick)
        entry = source.entry if isinstance(source, Pick) else scope.entry(str(source.value).partition(".")[0])
        place = (source.at or at) if isinstance(source, Pick) else source
        if isinstance(entry, Alias) and entry.source is None:
            help = "give it an input to stand for, or leave out what reads it too"
            fact = f"`{entry.path}` is left out by `when`, and reads nothing that it could stand for"
            place.error("E030", fact, "stands for nothing", help, key=picked)
        elif isinstance(source, Pick):
            help = did_you_mean(source.part, source.entry.parts(), "it has")
            place.error("E030", f"`{source.entry.path}` has no `{source.part}`", "nothing produces this", help)
        else:
            self._nowhere(source, scope)

    def _nowhere(self, cursor: Cursor, scope: Scope) -> None:
        shown = cursor.value if isinstance(cursor.value, str) else show_plain(cursor.value)
        entry = scope.entry(shown)
        if isinstance(entry, Parameters):
            fact = f"`{shown}` is in every copy; only its parameters are the same"
            cursor.error("E030", fact, "which copy?", f"write `{entry.path}` for the first")
            return
        known = scope.visible() if "/" not in shown else _within(scope, shown)
        close = closest(shown, known)
        help = f"did you mean `{close}`?" if close else f"there are {listing([n for n in known if '.' not in n])}"
        cursor.error("E030", f"unknown variable `{shown}`", "nothing produces this", help)


def _within(scope: Scope, path: str) -> list[str]:
    """The names that can be read inside the scopes that the path begins with, as they would be written."""
    before, entry = path.rpartition("/")[0], None
    while before and (entry := scope.entry(before)) is None:
        before = before.rpartition("/")[0]
    names = {f"{before}/{name}": entry.inner(name) for name in entry.inside()} if entry is not None else {}
    found = [f"{name}.{part}" for name, item in names.items() if item is not None for part in item.parts()]
    return [*(name for name, item in names.items() if not isinstance(item, Parameters)), *found] or scope.visible()
