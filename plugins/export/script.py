"""The text of a standalone script: the network as a function, what its blocks compute, a command line, the weights."""

from __future__ import annotations

import base64
import json
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from blockrun.core import Block

from .contracts import Array, Trained
from .library import Library, heading
from .parts import ARRAY, BESIDE, GIVEN, IN_PIECES, MAIN
from .preparation import Preparation
from .program import Call, Names, described, statements

if TYPE_CHECKING:
    from blockrun.plugins.network.experiment import Input

LINE = 100  # characters of base64 in a line
OWN = ("w", "given", "predict", "main", "in_pieces", "array", "Block", "Context", "WEIGHTS", "INPUTS")


class Script:
    """What a script for `trained` is made of.

    nodes    those that run, in order
    inputs   what is fed, by name
    before   what is done to each before it is an input of the network
    weights  the arrays that the script reads: parameters, state, constant inputs and what transforms measured
    """

    def __init__(self, trained: Trained) -> None:
        self.trained = trained
        network, mode = trained.network, trained.network.mode(training=False)
        plan = mode.assembly.graph.plan(trained.outputs, (), False)
        self.specs = mode.assembly.specs
        self.nodes = [step.node for step in plan.steps]
        fixed = {**trained.arrays, **network.feed({})}
        self.inputs = [name for name, _ in plan.feeds if name not in fixed]
        self.before = {name: Preparation(network, name) for name in self.inputs}
        self.weights = {name: fixed[name] for name, _ in plan.feeds if name in fixed}
        self.weights |= {name: x for before in self.before.values() for name, x in before.weights.items()}
        self.dtype = next((x.dtype for x in fixed.values() if x.dtype.kind == "f"), network.dtype)

    def text(self, stem: str, beside: str = "") -> str:
        """The script that is called `stem`.py; its weights are in the file `beside`, or if that is "" in itself."""
        lines = {"import sys", "import numpy as np", "from pathlib import Path" if beside else "import base64"}
        library = Library([*dict.fromkeys(type(node.block) for node in self.nodes)], OWN, lines)
        names = Names(library.taken)
        sections = [
            self._head(stem, library.header(), names),
            self._predict(names, library.calls),
            GIVEN,
            *library.texts(self.dtype),
            heading(f"The command line: python {stem}.py in.npz out.npz"),
            *self._command_line(),
            heading("What was learned."),
            *([BESIDE.format(file=beside)] if beside else [ARRAY, _weights(self.weights)]),
            'if __name__ == "__main__":\n    main()\n',
        ]
        return "\n\n".join(sections)

    def _head(self, stem: str, imports: str, names: Names) -> str:
        arguments = ", ".join(names[name] for name in self.inputs)
        rows = [("reads", name, self.before[name].input.spec) for name in self.inputs]
        rows += [("gives", name, self.specs[name]) for name in self.trained.outputs]
        width = max(len(name) for _, name, _ in rows)
        about = "\n".join(f"    {what}  {name:<{width}}  {described(spec)}" for what, name, spec in rows)
        left = {name: ", then ".join(map(str, before.left)) for name, before in self.before.items()}
        after = "".join(f"    {name} is after {transforms}\n" for name, transforms in left.items() if transforms)
        averaged = "; its weights are their moving averages" if self.trained.averaged else ""
        text = (
            f"{stem}: a trained network, forward only, with nothing but NumPy.\n\n{about}\n{after}\n"
            f"    from {stem} import predict\n    outputs = predict({arguments})\n\n"
            f"    python {stem}.py in.npz out.npz\n\n"
            f"Written by {self.trained.origin}{averaged}.\n"
        )
        safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        return f'"""{safe}"""\n\n{imports}'

    def _predict(self, names: Names, calls: dict[type[Block], Call]) -> str:
        arguments = ", ".join(names[name] for name in self.inputs)
        table = {
            name: (np.dtype(before.input.dtype).name, _sizes(before.input)) for name, before in self.before.items()
        }
        entries = "".join(f'    {json.dumps(name)}: ("{kind}", {sizes}),\n' for name, (kind, sizes) in table.items())
        body = ["w = WEIGHTS"] if self.weights else []
        for name, before in self.before.items():
            body += [f"{names[name]} = given({json.dumps(name)}, {names[name]})", *before.statements(names[name])]
        body += statements(self.nodes, names, calls, set(self.weights), set(self.trained.outputs))
        shown = ", ".join(f"{json.dumps(name)}: {names[name]}" for name in self.trained.outputs)
        body.append(f"return {{{shown}}}")
        text = "\n".join(body)
        about = f'"""The outputs for a batch: {", ".join(self.trained.outputs)}."""\n'
        inputs = f"INPUTS = {{\n{entries}}}" if entries else "INPUTS = {}"
        return f"{inputs}\n\n\ndef predict({arguments}):\n" + textwrap.indent(about + text, "    ") + "\n"

    def _command_line(self) -> list[str]:
        rows = [self.trained.network.inputs[name].batch for name in self.inputs]
        rows += [self.specs[name].shape[:1] == (0,) for name in self.trained.outputs]
        if self.inputs and all(rows):
            return [IN_PIECES, MAIN.replace("predict(*inputs)", "in_pieces(inputs)")]
        return [MAIN]


def _sizes(given: Input) -> tuple[int | None, ...]:
    return (None, *given.shape) if given.batch else given.shape


def _weights(arrays: dict[str, Array]) -> str:
    entries = [f"    {json.dumps(name)}: {_entry(x)},\n" for name, x in arrays.items()]
    return f"WEIGHTS = {{\n{''.join(entries)}}}\n"


def _entry(x: Array) -> str:
    little = np.asarray(x, x.dtype.newbyteorder("<"), order="C")
    text = base64.b64encode(little.tobytes()).decode()
    lines = "\n".join(text[i : i + LINE] for i in range(0, len(text), LINE))
    shown = f'"{text}"' if len(text) <= LINE // 2 else f'"""\n{lines}\n"""'
    return f'array("{little.dtype.str}", {x.shape!r}, {shown})'
