"""What plugins offer: the kinds, reading what a hook returned, and importing the thing itself when it is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from blockrun.plugins.errors import PluginError, UserError

OWN = "blockrun"  # the distribution whose names nobody can take


class Kind(NamedTuple):
    """What one of it is called in a message, and "module:Class" of what it must derive from ("" if anything goes)."""

    noun: str
    base: str


KINDS = {
    "blocks": Kind("block", "blockrun.core.block:Block"),
    "inits": Kind("initialiser", "blockrun.plugins.training.contracts:Init"),
    "sources": Kind("source", "blockrun.plugins.data.source:Source"),
    "transforms": Kind("transform", "blockrun.plugins.data.transform:Transform"),
    "optimizers": Kind("optimizer", "blockrun.plugins.training.contracts:Optimizer"),
    "schedules": Kind("schedule", "blockrun.plugins.training.contracts:Schedule"),
    "callbacks": Kind("callback", "blockrun.plugins.training.contracts:Callback"),
    "templates": Kind("template", "pathlib:Path"),
    "engines": Kind("engine", ""),
    "exporters": Kind("exporter", "blockrun.plugins.export.contracts:Exporter"),
    "commands": Kind("command", "click:Command"),
}

INSTANCES = ("commands", "templates")  # offered as objects, not as classes


@dataclass
class Plugin:
    """One plugin and what became of it: `status` is ok, failed, disabled or missing.

    `module` is what its entry point names, `file` the path of a user's own file, `where` the file and line of its
    code that raised, `offers` the names it adds by kind, `notes` what a user should know although it works.
    """

    name: str
    distribution: str
    version: str
    module: str
    own: bool = False
    file: str = ""
    status: str = "ok"
    error: str = ""
    where: str = ""
    offers: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.file or f"{self.distribution} {self.version}".strip()

    @property
    def failure(self) -> str:
        return self.error + (f" ({self.where})" if self.where else "")


class Offer(NamedTuple):
    """One name of one kind: `target` is the thing itself, or "module:attr" of it."""

    kind: str
    name: str
    target: Any
    plugin: Plugin

    @property
    def module(self) -> str:
        if isinstance(self.target, str):
            return self.target.partition(":")[0]
        return str(getattr(self.target, "__module__", ""))

    @property
    def full_name(self) -> str:
        return f"{self.plugin.distribution}/{self.name}"


class BadOffer(Exception):
    """A plugin that does not keep to the hooks; `where` is the file and line to look at."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


def read_offers(kind: str, returned: Any, plugin: Plugin) -> list[Offer]:
    """The offers in what hook `blockrun_<kind>` returned; raises `BadOffer` for what is no list or dict of them."""
    if isinstance(returned, dict):
        pairs = list(returned.items())
    elif isinstance(returned, (list, tuple)):
        pairs = [(_own_name(item), item) for item in returned]
    else:
        raise BadOffer(f"returned {_what(returned)}; it must be a list of classes or a dict")
    for name, target in pairs:
        _check(kind, name, target)
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadOffer(f"offers `{twice}` twice")
    return [Offer(kind, name, target, plugin) for name, target in pairs]


def _own_name(item: Any) -> str:
    if isinstance(item, str):
        raise BadOffer(f'lists the string "{item}"; a dict gives it a name: {{"name": "{item}"}}')
    name = getattr(item, "name", None)
    if isinstance(name, str) and name:
        return name
    from blockrun.core.block import snake_case

    return snake_case(getattr(item, "__name__", type(item).__name__))


def _check(kind: str, name: Any, target: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
        raise BadOffer(f"offers the name {name!r}; a name is letters, digits, `_`, `-` and `.`")
    if not isinstance(target, str):
        misfit = _misfit(kind, target)
    else:
        good = re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", target)
        misfit = "" if good else f'is "{target}"; a string must read "module:attr"'
    if misfit:
        raise BadOffer(f"offers {KINDS[kind].noun} `{name}`, which {misfit}")


def _misfit(kind: str, target: Any) -> str:
    """Why `target` cannot be one of `kind`; "" if it can."""
    base = KINDS[kind].base
    if not base:
        return ""
    cls = import_object(base)
    if kind in INSTANCES:
        return "" if isinstance(target, cls) else f"is {_what(target)}, not a {base.replace(':', '.')}"
    if isinstance(target, type) and issubclass(target, cls) and target is not cls:
        return ""
    return f"is {_what(target)}, not a class derived from {cls.__name__}"


def _what(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a value of type {type(value).__name__}"


def import_object(path: str) -> Any:
    """What "module:attr" names."""
    module, _, attributes = path.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def resolve(offer: Offer) -> Any:
    """The thing offered; `PluginError` names the distribution if it cannot be imported or is not what it should be."""
    if not isinstance(offer.target, str):
        return offer.target
    what = f"{KINDS[offer.kind].noun} `{offer.name}` of {offer.plugin}"
    try:
        found = import_object(offer.target)
    except (KeyboardInterrupt, UserError):
        raise
    except BaseException as error:
        message, where = explain(error, offer.module)
        place = f" ({where})" if where else ""
        raise PluginError(f"{what} cannot be loaded: {message}{place}", help=remedy(offer.plugin)) from error
    misfit = _misfit(offer.kind, found)
    if misfit:
        raise PluginError(f"{what} {misfit} ({offer.target})", help=remedy(offer.plugin))
    return found


def explain(error: BaseException, module: str) -> tuple[str, str]:
    """An exception in one line, and the file:line of the code of `module` that it came from ("" if none)."""
    if isinstance(error, BadOffer):
        return str(error), error.where
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = "its message cannot be shown"
    text = " ".join(text.split())
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= 300 else line[:297] + "...", _where(error, module.partition(".")[0])


def _where(error: BaseException, package: str) -> str:
    """The innermost line of the plugin's own package, not that of the library it called."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    place, trace = "", error.__traceback__
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def remedy(plugin: Plugin) -> str:
    """What a user can do about a plugin that does not work."""
    if plugin.own:
        return "this is a bug in blockrun, or its installation is damaged: `pip install --force-reinstall blockrun`"
    if plugin.file:
        return f"correct {plugin.file}"
    return f"update it (`pip install -U {plugin.distribution}`), or leave it out with `--no-plugin {plugin.name}`"
