"""The `callbacks` section: what watches the run, by names that the user chooses."""

from __future__ import annotations

from blockrun.plugins.host import Host
from blockrun.plugins.suggest import listing
from blockrun.plugins.training.contracts import Callback

from .nodes import find_component
from .reader import Cursor


def read_callbacks(root: Cursor, host: Host) -> dict[str, Callback]:
    """The callbacks that fit, in the order of the file, which is that in which they are told."""
    found: dict[str, Callback] = {}
    if "callbacks" in root:
        for name, cursor in root["callbacks"].named("callback"):
            made = _read(name, cursor.expanded("callback"), host)
            found |= {} if made is None else {name: made}
            _refuse_same_file(cursor, name, found)
    return found


def _refuse_same_file(cursor: Cursor, name: str, found: dict[str, Callback]) -> None:
    """Complain if a callback keeps what it keeps `to` where one before it does."""
    to = getattr(found.get(name), "to", None)
    other = next((n for n, callback in found.items() if n != name and to and getattr(callback, "to", None) == to), None)
    if other is not None:
        fact = f"`callbacks.{other}` keeps its checkpoint as `{to}` too"
        cursor.nearest("to").error("E011", fact, "the same name", "add `to:` with another name", key="to" not in cursor)


def _read(name: str, cursor: Cursor, host: Host) -> Callback | None:
    if not cursor.is_map("the name of a callback, or a map with `callback:`"):
        return None
    if "callback" not in cursor:
        help = cursor.meant("callback") or f"add `callback:`, one of {listing(host.names('callbacks'))}"
        cursor.error("E009", f"`callbacks.{name}` does not say which callback it is", "no callback", help, key=True)
        return None
    cls = find_component(host, "callbacks", "callback", cursor, "E065")
    if cls is None:
        return None
    given = {key: value for key, value in cursor.value.items() if key != "callback"}
    return cursor.options(cls, given, f"callback {cls.name}")  # type: ignore[return-value]
