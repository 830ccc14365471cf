"""The plugin host: the plugins that were loaded, and the one place where a name becomes a component."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pluggy

from blockrun.plugins import hooks
from blockrun.plugins.errors import PluginError, UsageError, UserError
from blockrun.plugins.loading import Candidate, canonical, first_party, installed, local_file, take
from blockrun.plugins.offers import KINDS, OWN, Offer, Plugin, remedy, resolve
from blockrun.plugins.suggest import closest, listing


class UnknownName(UserError):
    """A name that no plugin offers: `suggestion` is the closest that one does, or None; `known` are all of them."""

    def __init__(self, kind: str, name: str, known: list[str], help: str = "") -> None:
        self.kind, self.name, self.known = kind, name, known
        self.suggestion = closest(name, known)
        hint = f"did you mean `{self.suggestion}`?" if self.suggestion else _listing(kind, known)
        super().__init__(f"unknown {KINDS[kind].noun} `{name}`", "; ".join(filter(None, [hint, help])))


def _listing(kind: str, known: list[str]) -> str:
    if kind == "blocks":
        return "`blockrun blocks` lists the blocks"
    more = f"; `blockrun plugins {kind}` shows them" if known else ""
    return f"there are {listing(known)}{more}" if known else f"no plugin offers any {kind}"


class Host:
    """Everything that the loaded plugins offer. Made by `load_host`; nothing about it is global.

    `disable` and `only` are what it was asked to leave out, and to load alone (None for everything).
    """

    def __init__(
        self, plugins: list[Plugin], offers: list[Offer], disable: tuple[str, ...], only: tuple[str, ...] | None
    ) -> None:
        self.disable = disable
        self.only = only
        self._plugins = plugins
        self._offers = offers
        self._named: dict[tuple[str, str], list[Offer]] = {}
        for offer in offers:
            self._named.setdefault((offer.kind, offer.name), []).append(offer)
        self._found: dict[tuple[str, str], Any] = {}
        self._missing: dict[tuple[str, str], UserError] = {}
        self._note_collisions()

    def names(self, kind: str) -> list[str]:
        """Every name that `find` accepts, a bare one where it is enough; imports nothing."""
        return sorted(self.offers(kind))

    def offers(self, kind: str) -> dict[str, Offer]:
        """What is offered, under the shortest name that leads to it."""
        found = {}
        for offer in self._offers:
            if offer.kind == kind:
                bare = self._matching(kind, offer.name) == [offer]
                found[offer.name if bare else offer.full_name] = offer
        return found

    def find(self, kind: str, name: str) -> Any:
        """The component called `name`, or `distribution/name`, imported now if it has not been.

        Raises `UnknownName` if nobody offers it, and `PluginError` if two do, if a plugin that failed to load might,
        or if it cannot be imported.
        """
        if (kind, name) not in self._found:
            self._found[kind, name] = resolve(self.offer(kind, name))
        return self._found[kind, name]

    def provider(self, kind: str, name: str) -> str:
        """Who offers it: "blockrun 0.1.0"."""
        return str(self.offer(kind, name).plugin)

    def rows(self) -> list[Plugin]:
        """Every plugin that was found, and what became of it."""
        return list(self._plugins)

    def _matching(self, kind: str, name: str) -> list[Offer]:
        """The offers that `name` may mean: ours alone if we have one, else all of them."""
        distribution, _, bare = name.rpartition("/")
        same = self._named.get((kind, bare), [])
        if distribution:
            same = [o for o in same if canonical(o.plugin.distribution) == canonical(distribution)]
        return [offer for offer in same if offer.plugin.own] or same

    def offer(self, kind: str, name: str) -> Offer:
        """What `name` leads to, not imported; raises as `find` does."""
        matching = self._matching(kind, name)
        if len(matching) == 1:
            return matching[0]
        if not matching:
            if (kind, name) not in self._missing:
                self._missing[kind, name] = self._unknown(kind, name)
            raise self._missing[kind, name].with_traceback(None)
        noun, who = KINDS[kind].noun, " and ".join(str(offer.plugin) for offer in matching)
        full = sorted({offer.full_name for offer in matching})
        if len(full) < len(matching):
            raise PluginError(f"{noun} `{name}` is offered more than once: by {who}", help="rename one of them")
        choices = " or ".join(f"`{full_name}`" for full_name in full)
        raise PluginError(f"{noun} `{name}` is offered by {who}", help=f"write {choices}")

    def _unknown(self, kind: str, name: str) -> UserError:
        distribution = canonical(name.rpartition("/")[0])
        others = [p for p in self._plugins if not distribution or canonical(p.distribution) == distribution]
        failed = [plugin for plugin in others if plugin.status == "failed"]
        disabled = [plugin.name for plugin in others if plugin.status == "disabled"]
        helps = [f"left out: {', '.join(disabled)}"] if disabled else []
        helps += [f"`{name}` is one of the {other}" for other, named in self._named if named == name]
        unknown = UnknownName(kind, name, self.names(kind), "; ".join(helps))
        if not failed:
            return unknown
        causes = "; ".join(f"{plugin}, which failed to load, may offer it: {plugin.failure}" for plugin in failed)
        guess = f"did you mean `{unknown.suggestion}`? If not, " if unknown.suggestion else ""
        return PluginError(f"{unknown.message}; {causes}", help=guess + remedy(failed[0]))

    def _note_collisions(self) -> None:
        for offer in self._offers:
            rivals = [o.plugin for o in self._matching(offer.kind, offer.name) if o is not offer]
            if rivals and not offer.plugin.own:
                who = " and ".join(sorted({str(plugin) for plugin in rivals}))
                what = f"{KINDS[offer.kind].noun} `{offer.name}`"
                offer.plugin.notes.append(f"{what} is also offered by {who}; write `{offer.full_name}` for this one")


def load_host(
    *,
    disable: Iterable[str] = (),
    only: Iterable[str] | None = None,
    local: Iterable[Path] = (),
    entry_points: bool = True,
) -> Host:
    """Load the first-party components and the plugins that are asked for.

    `disable` leaves out plugins by name or distribution, `only` leaves out all others, `local` are files of the
    user's own. A broken installed plugin becomes a row of `Host.rows()`; a broken local file raises `PluginError`.
    """
    disable, only = tuple(disable), None if only is None else tuple(only)
    if any(canonical(name) == OWN for name in disable):
        raise UsageError("`blockrun` names the first-party components, which cannot be left out")
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    found = [first_party(), *(installed() if entry_points else [])]
    wanted = [candidate for candidate in found if _wanted(candidate.plugin, disable, only)]
    offers = [offer for candidate in wanted for offer in take(manager, candidate)]
    files = [local_file(Path(path)) for path in local]
    offers += [offer for candidate in files for offer in _take_file(manager, candidate)]
    plugins = [candidate.plugin for candidate in (*found, *files)]
    return Host([*plugins, *_missing(plugins, (*disable, *(only or ())))], offers, disable, only)


def _wanted(plugin: Plugin, disable: tuple[str, ...], only: tuple[str, ...] | None) -> bool:
    allowed = plugin.own or only is None or _called(plugin, only)
    if allowed and not _called(plugin, disable):
        return True
    plugin.status = "disabled"
    plugin.error = "left out by --no-plugin or `disable`" if allowed else "not in BLOCKRUN_PLUGINS"
    return False


def _called(plugin: Plugin, names: Iterable[str]) -> bool:
    """Whether one of `names` is the plugin's own, its distribution's, or both as `distribution/name`."""
    own = {plugin.name, plugin.distribution, f"{plugin.distribution}/{plugin.name}"}
    return not {canonical(name) for name in names}.isdisjoint(map(canonical, own))


def _take_file(manager: pluggy.PluginManager, candidate: Candidate) -> list[Offer]:
    offers, plugin = take(manager, candidate), candidate.plugin
    if plugin.status == "failed":
        raise PluginError(f"local plugin {plugin} cannot be loaded: {plugin.failure}", help=remedy(plugin))
    return offers


def _missing(plugins: list[Plugin], asked: Iterable[str]) -> list[Plugin]:
    """A row for every name asked for that nothing installed goes by, so that a typing error shows."""
    names = sorted({name for name in asked if not any(_called(plugin, [name]) for plugin in plugins)})
    return [Plugin(name, "", "", "", status="missing", error="no installed plugin goes by this name") for name in names]
