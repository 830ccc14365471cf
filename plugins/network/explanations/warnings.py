"""Explanations of what a network can run with and probably does not mean; `blockrun check` says these."""

from __future__ import annotations

from .explanation import Explanation

HEAD = "blockrun: 1\ninputs: {x: [3], y: [4]}\nnet:\n  a: {block: linear, units: 4, in: x}\n"
LOSS = "  loss: {block: sum_of_squares, in: [a, y]}\n"
WARNINGS = {
    "W101": Explanation(
        "Every input that is declared must come from the data, so one that no node reads costs time and means nothing. "
        "Often the name in an `in` is another one than was meant.",
        "blockrun: 1\ninputs: {x: [3], u: [3]}\nnet:\n  a: {block: add, in: [x, x]}\n",
        ("[x, x]", "[x, u]"),
    ),
    "W102": Explanation(
        "What the node makes reaches neither what is minimised nor a metric, so training takes no notice of it, and "
        "its parameters stay what they were at first.",
        HEAD + "  act: {block: relu, in: a}\n" + LOSS,
        ("[a, y]", "[act, y]"),
    ),
    "W103": Explanation(
        "A loss that is not minimised changes nothing. Without `train.minimize` only the last node is minimised; a map "
        "of weights there adds losses up.",
        HEAD + "  aux: {block: sum_of_squares, in: [a, y]}\n" + LOSS + "  sum: {block: add, in: [loss, loss]}\n",
        ("[loss, loss]", "[loss, aux]"),
    ),
    "W105": Explanation(
        "Nothing in the file says `$name` of this variable, so that changing it on the command line changes nothing. "
        "Often a number was meant to be the variable.",
        "blockrun: 1\nvars: {width: 4}\ninputs: {x: [3]}\nnet:\n  a: {block: linear, units: 4}\n",
        ("units: 4", "units: $width"),
    ),
    "W106": Explanation(
        "No node says `use:` of this template, so that it is no part of the network. Often a node was meant to.",
        "blockrun: 1\ninputs: {x: [3]}\ntemplates:\n  twice: {net: {a: relu, b: tanh}}\nnet:\n  c: relu\n",
        ("c: relu", "c: {use: twice}"),
    ),
    "W107": Explanation(
        "Nothing in the template says `$name` of this argument, so that giving it changes nothing.",
        "blockrun: 1\ninputs: {x: [3]}\ntemplates:\n"
        "  layer: {args: {units: 4}, net: {fc: {block: linear, units: 4}}}\nnet:\n  c: {use: layer, units: 5}\n",
        ("block: linear, units: 4", "block: linear, units: $units"),
    ),
    "W104": Explanation(
        "Something between this parameter and what is minimised stops gradients: a block without a gradient, or an "
        "input that has none.",
        HEAD.replace("inputs", "plugins: {local: [mine.py]}\ninputs") + "  b: stop\n" + LOSS.replace("a, y", "b, y"),
        ("  b: stop\n", "  b: relu\n"),
        files={
            "mine.py": "from blockrun.core import Block\n\n\nclass Stop(Block):\n    def forward(self, ctx, x):\n"
            "        return x, None\n"
        },
    ),
}
