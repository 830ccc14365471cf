"""What a network can run with and probably does not mean: warnings, each with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from blockrun.core import Node

from .diagnostics import Diagnostic
from .document import KeyPath
from .network import Network

WORD = re.compile(r"[\w-]+")


def lint(network: Network) -> list[Diagnostic]:
    """The warnings about `network`, in the order of its nodes."""
    return [*_unused_names(network), *_unread_inputs(network), *_dead_nodes(network), *_unlearned(network)]


def _unused_names(network: Network) -> Iterator[Diagnostic]:
    """Variables that no value is made from, and templates that no node is a use of."""
    document = network.document
    referred = {source[:2] for sources in document.sources.values() for source in sources}
    for name in document.data.get("vars", {}):
        if ("vars", name) not in referred:
            help = f"remove it, or write `${name}` where it is meant"
            yield _warning(network, "W105", f"variable `{name}` is not used", ("vars", name), "not used", help)
    expanded = {copy.path[:2] for copy in document.copies.values()}
    for name in document.data.get("templates", {}):
        if ("templates", name) not in expanded:
            help = f"remove it, or write `{{use: {name}}}` where it is meant"
            yield _warning(network, "W106", f"template `{name}` is not used", ("templates", name), "not used", help)
        yield from _unused_arguments(network, name)


def _unused_arguments(network: Network, template: str) -> Iterator[Diagnostic]:
    written = network.document.data["templates"][template]
    words = {word for text in _texts(written) if "$" in text for word in WORD.findall(text)}
    for name in written.get("args", {}):
        if name not in words:
            fact, path = (
                f"argument `{name}` of template `{template}` is not used",
                ("templates", template, "args", name),
            )
            yield _warning(network, "W107", fact, path, "not used", f"remove it, or write `${name}` where it is meant")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _unread_inputs(network: Network) -> Iterator[Diagnostic]:
    read = {variable for node in network.graph.nodes for variable in node.reads}
    for name in network.inputs:
        if name not in read:
            fact = f"input `{name}` is read by no node"
            yield _warning(network, "W101", fact, ("inputs", name), "not used", "remove it, or wire it with `in`")


def _dead_nodes(network: Network) -> Iterator[Diagnostic]:
    """Nodes that lead to nothing minimised or measured; of a dead branch only its end."""
    alive = _ancestors(network, [*network.objective, *network.metrics])
    read = {variable for node in network.graph.nodes for variable in node.reads}
    for node in network.graph.nodes:
        if node.name in alive or not read.isdisjoint(node.outputs):
            continue
        if network.assembly.specs[node.name].shape == ():
            fact, label = f"`{node.name}` is a number that is neither minimised nor measured", "has no effect"
            help = f"add it to `train.minimize`: {{{', '.join(f'{n}: 1' for n in (*network.objective, node.name))}}}"
            yield _warning(network, "W103", fact, _path(network, node), label, help)
        else:
            fact, label = f"nothing that is minimised or measured depends on `{node.name}`", "a dead branch"
            help = "remove it, or wire what it makes"
            yield _warning(network, "W102", fact, _path(network, node), label, help)


def _unlearned(network: Network) -> Iterator[Diagnostic]:
    """Parameters of nodes that matter, to which no gradient comes."""
    alive, reached = _ancestors(network, list(network.objective)), _differentiated(network)
    learned = set(network.params) - network.frozen
    for node in network.graph.nodes:
        for variable in node.params.values():
            if node.name in alive and variable in learned and variable not in reached:
                fact = f"no gradient comes to the parameter `{variable}`, so it is never learned"
                help = "what stands between it and the objective stops gradients, such as stop_gradient or argmax"
                yield _warning(network, "W104", fact, _path(network, node), "not learned", help)


def _differentiated(network: Network) -> set[str]:
    """The variables to which gradients come from what is minimised."""
    found = set(network.objective)
    for node in reversed(network.graph.nodes):
        if hasattr(node.block, "backward") and not found.isdisjoint(node.outputs):
            found.update(v for name, v in node.gradient_inputs if v is not None and name not in node.block.nograd)
    return found


def _ancestors(network: Network, names: list[str]) -> set[str]:
    """The nodes that `names` depend on, themselves among them."""
    nodes, writer = network.graph.nodes, network.graph.writer
    found: set[str] = set()
    waiting = [nodes[writer[name]] for name in names if name in writer]
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found.add(node.name)
            waiting += [nodes[writer[variable]] for variable in node.reads if variable in writer]
    return found


def _path(network: Network, node: Node) -> KeyPath:
    return ("metrics" if node.name in network.metrics else "net", node.name)


def _warning(network: Network, code: str, fact: str, path: KeyPath, label: str, help: str) -> Diagnostic:
    place = network.document.place(path)
    return Diagnostic(code, fact, place.key if place else None, label, help)
