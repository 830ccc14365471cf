"""What the tests of single blocks share: one block run through the executor, forward and backward, fully checked."""

import numpy as np
import pytest

from blockrun.core import Node, Spec, backward, forward
from blockrun.core.assemble import assemble


@pytest.fixture
def run():
    """run(block, *inputs, dy=None, training=True, seed=0, examples=None, **params) -> (outputs, gradients).

    `outputs` is the one output or the tuple of all; `gradients`, {} without `dy`, are by input name, xs0, xs1, ...
    """
    return _run


def _run(block, *inputs, dy=None, training=True, seed=0, examples=None, **params):
    given = [np.asarray(x) for x in inputs]
    names = [name + str(i) * (name == block.signature.many) for i, name in enumerate(block.signature.bind(len(given)))]
    feed = dict(zip(names, given, strict=True))
    specs = {name: Spec(x.shape, x.dtype) for name, x in feed.items()}
    graph = assemble([Node("node", block, tuple(names))], specs, given[0].dtype).graph
    feed |= {f"node.{name}": np.asarray(value) for name, value in params.items()}
    node = graph.nodes[0]
    wrt = [v for v in feed if feed[v].dtype.kind == "f" and v not in graph.updates] if dy is not None else []
    options = {"training": training, "seed": seed, "examples": examples, "check": True}
    values, tape = forward(graph, feed, keep=node.outputs, wrt=wrt, **options)
    gradients = backward(tape, {"node": np.asarray(dy)}, wrt) if dy is not None else {}
    outputs = tuple(values.values())
    return outputs[0] if len(outputs) == 1 else outputs, {v.removeprefix("node."): g for v, g in gradients.items()}
