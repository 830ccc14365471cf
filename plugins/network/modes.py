"""The two modes of a network: a node may be there in training only, or in evaluation only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blockrun.core import Node
from blockrun.core.assemble import Assembly
from blockrun.core.shapes import show_shape
from blockrun.plugins.host import Host

from .discover import discover
from .expansion.expand import Expansion
from .expansion.scopes import Alias, Pick
from .expansion.templates import read_templates
from .experiment import Sections
from .learned import Learned, Reader
from .network import Mode
from .reader import Cursor
from .training import read_objective
from .values import Values
from .wiring import Wiring, spelt_out


@dataclass(frozen=True)
class Built:
    """The nodes of a file as they are in one mode, wired, with everything known of them."""

    wiring: Wiring
    nodes: list[Node]
    mode: Mode
    learned: Learned

    @property
    def assembly(self) -> Assembly:
        return self.learned.assembly


class Modes:
    """What a file describes in training and in evaluation, which are one where no node is for one of them only.

    `whole` are the nodes of both, for a file with everything spelt out.
    """

    def __init__(self, raw: Cursor, root: Cursor, host: Host, values: Values, sections: Sections) -> None:
        self._given = (raw, host, values, read_templates(raw))
        self.root, self.sections, self.reader = root, sections, Reader(host)
        whole = Wiring(self._expanded(None))
        self.whole, self.nodes = whole, whole.nodes()
        modal = whole.expansion.modal
        self.training = self._built("train") if modal else self._complete(whole, self.nodes)
        self.evaluation = self._built("eval") if modal else self.training
        if modal:
            self._compare()

    def _expanded(self, mode: str | None) -> Expansion:
        expansion = Expansion(*self._given, mode)
        expansion.expand()
        return expansion

    def _built(self, mode: str) -> Built:
        wiring = Wiring(self._expanded(mode))
        return self._complete(wiring, wiring.nodes())

    def _complete(self, wiring: Wiring, nodes: list[Node]) -> Built:
        inputs = self.sections.inputs
        specs = {name: given.spec for name, given in inputs.items() if name not in wiring.lost}
        lost = wiring.lost | {name for name in wiring.expansion.inputs if name not in specs}
        problems, dtype = self.root.problems, self.sections.run.dtype
        assembly = discover(nodes, specs, dtype, wiring.expansion.paths, lost, problems)
        objective = read_objective(self.root, wiring, assembly)
        learned = self.reader.learned(wiring, assembly)
        return Built(wiring, nodes, Mode(learned.assembly, objective), learned)

    def _compare(self) -> None:
        """Complain about a parameter that has one shape in training and another in evaluation."""
        one, other = self.training.assembly, self.evaluation.assembly
        for name, (node, _) in one.makers.items():
            shapes = [tuple(assembly.specs[name].shape) for assembly in (one, other) if name in assembly.specs]
            if len(set(shapes)) > 1:
                fact = f"`{name}` is {show_shape(shapes[0])} in training and {show_shape(shapes[1])} in evaluation"
                path = self.training.wiring.expansion.paths[node]
                self.root.problems.add("E033", fact, path, "one parameter has one shape", key=True)

    def metrics(self) -> dict[str, Node]:
        """The nodes of `metrics`; complains about those whose outputs do not add up over batches."""
        expansion, assembly = self.evaluation.wiring.expansion, self.evaluation.assembly
        nodes = {node.name: node for node in assembly.graph.nodes}
        found: dict[str, Node] = {}
        for name, entry in expansion.metrics.items():
            at = expansion.root["metrics"][name]
            target = expansion.names.target(Pick(entry), expansion.top, at)
            node = None if target is None or target.node is None else nodes.get(target.node.name)
            if node is None or isinstance(entry, Alias):
                continue
            found[name] = node
            shapes = [tuple(assembly.specs[v].shape) for v in node.outputs]
            per_example = next((s for s in shapes if s[:1] == (0,) or (s and not hasattr(node.block, "result"))), None)
            if per_example is not None:
                fact = f"metric `{name}` has shape {show_shape(per_example)}; it must be a number that adds up"
                at.error("E037", fact, "not a number", "use a metric such as `accuracy`, or a loss", key=True)
        return found

    def resolved(self) -> dict[str, Any]:
        """The file with everything put in and spelt out."""
        drafts = {draft.name: draft for draft in self.whole.expansion.drafts}
        found = {key: value for key, value in self.root.value.items() if key != "templates"}
        for section in ("net", "metrics"):
            if section in found:
                own = [node for node in self.nodes if drafts[node.name].section == section]
                found[section] = {
                    node.name: {**spelt_out(drafts[node.name], node), **self._said(node.name)} for node in own
                }
        return found

    def _said(self, node: str) -> Mapping[str, Any]:
        return {**self.evaluation.learned.spelt_out(node), **self.training.learned.spelt_out(node)}

    @property
    def frozen(self) -> frozenset[str]:
        """What training leaves as it is: what the file says, and what is there in evaluation only."""
        one, other = self.training.assembly, self.evaluation.assembly
        alone = {*other.params, *other.state} - {*one.params, *one.state}
        return self.training.learned.frozen | self.evaluation.learned.frozen | alone
