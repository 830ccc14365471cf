"""Shipped networks with one wire cut or one name given twice: said before data are read (promises 3 and 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from blockrun.plugins.host import Host
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.scan import parse_document

from .mutated import CONFIGS

WIRE = re.compile(r"in: (\w+)|in: \[([\w, ]+)\]")


def cases(host: Host) -> Iterator[tuple[str, str]]:
    """Every node that is read by its name taken out, and every node written twice, in every shipped network."""
    for file in CONFIGS:
        text = file.read_text()
        for name, line in _nodes(text):
            if re.search(rf"(in: |\[|, |: ){name}[,\]}}.]", text.replace(line, "")):
                yield f"{file.stem} without {name}", _refused(text.replace(line, "", 1), host, ("E030", "E036"), name)
            yield f"{file.stem} with {name} twice", _refused(text.replace(line, line + line, 1), host, ("E003",), name)


def _nodes(text: str) -> Iterator[tuple[str, str]]:
    """The nodes of `net` that stand in a line of their own."""
    net = yaml.safe_load(text)["net"]
    for line in text.partition("\nnet:\n")[2].splitlines(keepends=True):
        found = re.match(r"  (\w+): +\S", line)
        if found and found[1] in net:
            yield found[1], line


def _refused(text: str, host: Host, codes: tuple[str, ...], name: str) -> str:
    """What is wrong with how a file is refused."""
    try:
        build(parse_document(text), host, drawn=False)
    except ConfigError as error:
        said = [d for d in error.diagnostics if d.code in codes and f"`{name}" in d.message]
        if said and codes == ("E003",):
            return "" if said[0].related else "only one place"
        return "" if said else str(error)
    return "accepted"
