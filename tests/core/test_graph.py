"""What a graph promises before it runs: an order, one writer per variable, and errors that name the way."""

import itertools
import random

import pytest

from blockrun.core import Graph, GraphError, Node


def test_nodes_come_after_what_they_read_and_otherwise_as_in_the_file(small):
    nodes = [
        Node("late", small.Plus(), ("first", "second")),
        Node("first", small.Double(), ("x",)),
        Node("second", small.Double(), ("x",)),
        Node("third", small.Double(), ("x",)),
    ]
    assert [node.name for node in Graph(nodes).nodes] == ["first", "second", "late", "third"]


def test_a_cycle_is_named_with_its_path(small):
    nodes = [
        Node("a", small.Plus(), ("x", "c"), place="net.yaml:4:3"),
        Node("b", small.Double(), ("a",)),
        Node("c", small.Double(), ("b",)),
    ]
    with pytest.raises(GraphError) as error:
        Graph(nodes)
    assert str(error.value) == "cycle: `b` -> `c` -> `a` (net.yaml:4:3) -> `b`"


@pytest.mark.parametrize("seed", range(50))
def test_a_back_edge_in_a_random_graph_is_reported_as_a_real_cycle(small, seed):
    draw = random.Random(seed)
    reads = {f"n{i}": [f"n{j}" for j in range(i) if draw.random() < 0.3] + ["x"] for i in range(12)}
    late, early = draw.sample(range(12), 2) if seed % 2 else (11, 0)
    late, early = max(late, early), min(late, early)
    reads[f"n{late}"].append(f"n{early}")
    reads[f"n{early}"].append(f"n{late}")
    nodes = [Node(name, small.Plus(), tuple(inputs)) for name, inputs in reads.items()]
    draw.shuffle(nodes)
    with pytest.raises(GraphError) as error:
        Graph(nodes)
    path = str(error.value).removeprefix("cycle: ").replace("`", "").split(" -> ")
    assert path[0] == path[-1]
    assert all(before in reads[after] for before, after in itertools.pairwise(path))


def test_a_second_writer_is_refused_naming_both(small):
    nodes = [Node("a", small.Double(), ("x",), place="1:1"), Node("a", small.Double(), ("y",), place="2:1")]
    with pytest.raises(GraphError, match=r"`a` is written twice: by node `a` \(1:1\) and by node `a` \(2:1\)"):
        Graph(nodes)


def test_free_variables_are_those_that_nobody_writes(small):
    graph = Graph([Node("h", small.Dense(units=2), ("x",), {"W": "h.W"}), Node("y", small.Times(), ("h", "scale"))])
    assert graph.free == ("x", "h.W", "scale")


def test_an_input_that_is_not_wired_is_named(small):
    with pytest.raises(GraphError, match=r"node `y`, times: 1 inputs given, 2 wanted: a, b"):
        Graph([Node("y", small.Times(), ("x",))])
    with pytest.raises(GraphError, match=r"node `h`, dense: input `W` is not wired"):
        Graph([Node("h", small.Dense(units=2), ("x",))])


def test_the_update_of_a_state_cannot_be_wired(small):
    counter = Node("c", small.Counter(), ("x",), {"count": "c.count"}, {"count": "new_count"})
    with pytest.raises(GraphError, match="the update of a state"):
        Graph([counter, Node("y", small.Double(), ("c.new_count",))])


def test_a_plan_is_made_once_for_the_same_question(small):
    graph = Graph([Node("y", small.Double(), ("x",))])
    assert graph.plan(("y",), ("x",), True) is graph.plan(("y",), ("x",), True)
    assert graph.plan(("y",), ("x",), True) is not graph.plan(("y",), (), True)


def test_an_unknown_variable_is_refused_with_a_suggestion(small):
    graph = Graph([Node("logits", small.Double(), ("x",))])
    with pytest.raises(GraphError, match="unknown variable `logit`; did you mean `logits`"):
        graph.plan(("logit",), (), True)
