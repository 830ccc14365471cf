"""Loading plugins: finding them, importing each on its own, and asking its hooks what it offers.

Installed packages are read one by one because both `importlib.metadata.entry_points` and pluggy's own loop stop at
the first broken one.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pluggy

from blockrun import __version__
from blockrun.plugins import hooks
from blockrun.plugins.offers import KINDS, OWN, BadOffer, Offer, Plugin, explain, import_object, read_offers


class Candidate(NamedTuple):
    """A plugin that has been found, and how to import what carries its hooks."""

    plugin: Plugin
    load: Callable[[], Any]


def canonical(name: str) -> str:
    """A distribution's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def first_party() -> Candidate:
    module = "blockrun.plugins.builtin"
    return Candidate(Plugin(OWN, OWN, __version__, module, own=True), lambda: import_module(module))


def installed() -> list[Candidate]:
    """Every entry point of the group, in an order that the order of installation does not change."""
    found: dict[str, list[Candidate]] = {}
    for distribution in importlib.metadata.distributions():
        text = _entry_point_text(distribution)
        if re.search(rf"^\s*\[\s*{hooks.PROJECT}\s*\]", text, re.MULTILINE):
            name, version = _identity(distribution)
            found.setdefault(canonical(name), _candidates(distribution, name, version))
    everything = [candidate for candidates in found.values() for candidate in candidates]
    return sorted(everything, key=lambda c: (canonical(c.plugin.distribution), c.plugin.name, c.plugin.module))


def _entry_point_text(distribution: importlib.metadata.Distribution) -> str:
    try:
        return distribution.read_text("entry_points.txt") or ""
    except Exception:  # a package that is not even text cannot be told to be a plugin
        return ""


def _identity(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Name and version, from the folder's name if the metadata are damaged."""
    try:
        metadata: Any = distribution.metadata
        name, version = metadata["Name"], metadata["Version"]
    except Exception:
        name = version = None
    folder = Path(str(getattr(distribution, "_path", "unknown"))).name
    stem, _, rest = folder.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")
    return name or stem, version or rest


def _candidates(distribution: importlib.metadata.Distribution, name: str, version: str) -> list[Candidate]:
    try:
        points = [point for point in distribution.entry_points if point.group == hooks.PROJECT]
    except Exception as error:
        return [Candidate(Plugin(name, name, version, ""), _raiser(f"its entry_points.txt cannot be read: {error}"))]
    return [Candidate(Plugin(point.name, name, version, point.value), point.load) for point in points]


def _raiser(message: str) -> Callable[[], Any]:
    def load() -> Any:
        raise BadOffer(message)

    return load


def local_file(path: Path) -> Candidate:
    """A file of the user's own, imported under a name that no other module has."""
    name = f"blockrun_local_{zlib.crc32(bytes(path.resolve())):08x}_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"
    return Candidate(Plugin(path.stem, path.stem, "", name, file=str(path)), lambda: _run_file(name, path))


def _run_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise BadOffer("there is no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def take(manager: pluggy.PluginManager, candidate: Candidate) -> list[Offer]:
    """What one plugin offers: all of it, or nothing and the reason in `plugin.error`.

    Ctrl-C during a slow import is the user's and goes through; everything else a plugin can raise stays here.
    """
    plugin, start = candidate.plugin, time.perf_counter()
    key = f"{plugin.distribution}:{plugin.name}:{plugin.module}"
    try:
        with redirect_stdout(sys.stderr):  # what is printed on import must not mix with results
            source = candidate.load()
            manager.register(source, key)
            offers = _ask(manager, plugin, source)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if manager.has_plugin(key):
            manager.unregister(name=key)
        plugin.status = "failed"
        plugin.error, plugin.where = explain(error, plugin.module.partition(":")[0])
        return []
    finally:
        plugin.seconds = round(time.perf_counter() - start, 3)
    for offer in offers:
        plugin.offers.setdefault(offer.kind, []).append(offer.name)
    return offers


def _ask(manager: pluggy.PluginManager, plugin: Plugin, source: Any) -> list[Offer]:
    """Call every hook that `source` implements; a plugin is taken whole or not at all."""
    callers = sorted(manager.get_hookcallers(source) or [], key=lambda caller: caller.name)
    if not callers and plugin.file:
        return _classes_in(source, plugin)
    if not callers:
        raise BadOffer(_no_hooks(source))
    offers = []
    for caller in callers:
        for hook in caller.get_hookimpls():
            if hook.plugin is source:
                offers += _call(caller.name, hook, plugin)
    return offers


def _call(name: str, hook: pluggy.HookImpl, plugin: Plugin) -> list[Offer]:
    kind = name.removeprefix(f"{hooks.PROJECT}_")
    try:
        if kind not in KINDS or not name.startswith(hooks.PROJECT):
            close = get_close_matches(name, [f"{hooks.PROJECT}_{kind}" for kind in KINDS], 1)
            raise BadOffer("is no hook of blockrun" + (f"; did you mean `{close[0]}`?" if close else ""))
        if hook.hookwrapper or hook.wrapper:
            raise BadOffer("is a wrapper; a hook of blockrun returns what the plugin offers")
        return read_offers(kind, hook.function(), plugin)
    except BadOffer as problem:
        code = getattr(hook.function, "__code__", None)
        raise BadOffer(f"{name} {problem}", f"{code.co_filename}:{code.co_firstlineno}" if code else "") from problem


def _no_hooks(source: Any) -> str:
    bare = next((name for name in dir(source) if name.startswith(f"{hooks.PROJECT}_")), None)
    if bare is not None:
        return f"{bare} is not marked with @hookimpl (from blockrun.plugins import hookimpl)"
    return f"it implements no hook; `{getattr(source, '__name__', type(source).__name__)}` has no blockrun_* function"


def _classes_in(module: ModuleType, plugin: Plugin) -> list[Offer]:
    """Every component that a file without hooks defines, so that a file with just a class works."""
    defined = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    bases = {kind: import_object(base) for kind, (_, base) in KINDS.items() if base and kind != "commands"}
    offers = []
    for kind, base in bases.items():
        offers += read_offers(kind, [cls for cls in defined if issubclass(cls, base)], plugin)
    if not offers:
        raise BadOffer("it defines no block, and no other class that blockrun knows")
    return offers
