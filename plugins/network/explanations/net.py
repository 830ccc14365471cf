"""Explanations of what can be wrong with the wiring of a network and with the shapes in it."""

from __future__ import annotations

from .explanation import HEAD, Explanation

PLUGIN = """\
from blockrun.core import Block, Param


class First(Block):
    def forward(self, ctx, x):
        return x + [][0], None


class Shifted(Block):
    def params(self, x):
        return {"V": Param((3,))}

    def forward(self, ctx, x, *, b=None):
        return x, None
"""
LOCAL = "blockrun: 1\nplugins: {local: [mine.py]}\ninputs: {x: [3]}\n"
NET = {
    "E030": Explanation(
        "A variable goes by the name of the node, or the input, that makes it; a further output of a node is "
        "`node.output`. Nothing in this file makes one of this name.",
        HEAD + "net:\n  logits: {block: linear, units: 4}\n  act: {block: relu, in: logit}\n",
        ("in: logit}", "in: logits}"),
    ),
    "E031": Explanation(
        "The inputs of a block are those of its forward pass. Without `in` a node reads the node before it, which is "
        "not enough for a block with two inputs.",
        HEAD + "net:\n  act: relu\n  difference: subtract\n",
        ("difference: subtract", "difference: {block: subtract, in: [act, x]}"),
    ),
    "E032": Explanation(
        "`in` may be a map from the inputs of the block to variables; `blockrun blocks NAME` shows how the block "
        "calls its inputs.",
        HEAD + "net:\n  act: relu\n  difference: {block: subtract, in: {a: act, c: x}}\n",
        ("c: x", "b: x"),
    ),
    "E033": Explanation(
        "`params` ties a parameter to that of another node, `share` all of them. The other node must make a "
        "parameter of this name and shape, and with `share` must be of the same block.",
        HEAD + "net:\n  a: {block: linear, units: 3}\n  b: {block: linear, units: 4, params: {W: a.W}}\n",
        ("units: 4", "units: 3"),
    ),
    "E034": Explanation(
        "Each node waits for what it reads, so nodes that read each other could never run. To carry a value from one "
        "step to the next, write the steps out, one node each.",
        HEAD + "net:\n  a: {block: add, in: [x, b]}\n  b: {block: relu, in: a}\n",
        ("[x, b]", "[x, x]"),
    ),
    "E035": Explanation(
        "A name stands for one variable, so inputs, nodes and metrics cannot have it in common.",
        HEAD + "net:\n  x: relu\n",
        ("x: relu", "act: relu"),
    ),
    "E036": Explanation(
        "Training minimises a single number, the output of a loss. `train.minimize` names it; without that, it is "
        "the last node.",
        HEAD + "net:\n  act: relu\n  loss: {block: sum_of_squares, in: [act, x]}\n"
        "train: {minimize: act, epochs: 1, optimizer: sgd}\n",
        ("minimize: act", "minimize: loss"),
    ),
    "E037": Explanation(
        "A metric is summed over the batches of the data, so it must give a number for each batch, not one for each "
        "example.",
        HEAD + "net:\n  act: relu\nmetrics:\n  error: {block: subtract, in: [act, x]}\n",
        ("subtract", "sum_of_squares"),
    ),
    "E038": Explanation(
        "A bare `init: he` is for the parameters that the block draws at random; others are named, as in "
        "`init: {b: 0.1}`. `freeze` is true, or names. Of a template, the names are paths, such as `fc.W`, or globs.",
        HEAD + "net:\n  fc: {block: linear, units: 4, init: {w: he}}\n",
        ("{w: he}", "{W: he}"),
    ),
    "E039": Explanation(
        "A parameter that several nodes use belongs to the first of them. What that says of it counts; another can "
        "only say the same.",
        HEAD + "net:\n  a: {block: linear, units: 3}\n  b: {block: linear, units: 3, share: a, freeze: true}\n",
        (
            "units: 3}\n  b: {block: linear, units: 3, share: a, freeze: true}",
            "units: 3, freeze: true}\n  b: {block: linear, units: 3, share: a}",
        ),
    ),
    "E040": Explanation(
        "The shapes of all variables follow from those of the inputs. This block cannot work on the shape that "
        "comes to it; the message shows the way there.",
        HEAD + "net:\n  a: {block: linear, units: 4}\n  sum: {block: add, in: [a, x]}\n",
        ("units: 4", "units: 3"),
    ),
    "E041": Explanation(
        "A block whose result has a gradient would turn these integers into float64 without being asked to.",
        "blockrun: 1\ninputs: {x: {shape: [3], dtype: int64}}\nnet:\n  fc: {block: linear, units: 4}\n",
        ("int64", "float32"),
    ),
    "E042": Explanation(
        "The code of the block raised an error that does not say what is wrong with its inputs. Either the inputs "
        "are not what it expects, or it has a bug; the message shows the line.",
        LOCAL + "net:\n  a: first\n",
        ("a: first", "a: relu"),
        files={"mine.py": PLUGIN},
    ),
    "E043": Explanation(
        "A block must keep to the contract: the parameters that `params` makes are inputs of `forward`, and "
        "`forward` returns its outputs and what it saves. The fault is in the block; `blockrun test` checks it.",
        LOCAL + "net:\n  a: shifted\n",
        ("a: shifted", "a: relu"),
        files={"mine.py": PLUGIN},
    ),
    "E044": Explanation(
        "The parameters alone take more memory than the machine has. Most often a size has digits too many, or a "
        "`linear` reads an image that was not made smaller first.",
        HEAD + "net:\n  fc: {block: linear, units: 1000000000000000}\n",
        ("1000000000000000", "1000"),
    ),
}
