"""Short forms of a network file, and which key of a map names the component that its other keys are about."""

from __future__ import annotations

from typing import Any

from .document import KeyPath

SECTIONS = {"net": "block", "metrics": "block", "data": "source", "callbacks": "callback"}
NODE = ("block", "use")
DATA_SETTINGS = ("transforms", "workers", "ahead")  # in `data`, beside its parts


def is_net(path: KeyPath) -> bool:
    """Whether a map of nodes, in which order counts, is at `path`."""
    return path in (("net",), ("metrics",)) or (len(path) == 3 and path[0] == "templates" and path[2] == "net")


def is_data_setting(path: KeyPath) -> bool:
    """Whether something about all parts of the data is at `path`, and no part."""
    return len(path) == 2 and path[0] == "data" and path[1] in DATA_SETTINGS


def naming(path: KeyPath) -> tuple[str, ...]:
    """The keys that name the component at `path`, the first being what a string stands for; none for other maps."""
    if is_net(path[:-1]):
        return NODE
    if is_data_setting(path[:2]):
        return ("transform",) if path[1] == "transforms" and len(path) == 3 else ()
    if len(path) == 2 and path[0] in SECTIONS:
        return (SECTIONS[str(path[0])],)
    named = path == ("train", "optimizer") or (path[-1:] == ("lr",) and path[:2] == ("train", "optimizer"))
    return ("name",) if named or (len(path) > 2 and is_net(path[:-2]) and path[-1] == "init") else ()


def expanded(value: Any, path: KeyPath) -> Any:
    """What a short form at `path` stands for, as a map; anything else as it is."""
    if isinstance(value, str) and naming(path):
        return {naming(path)[0]: value}
    if isinstance(value, list) and path[:1] == ("inputs",) and len(path) == 2:
        return {"shape": value}
    if isinstance(value, int) and is_net(path[:-2]) and path[-1] == "repeat":
        return {"times": value}
    return value
