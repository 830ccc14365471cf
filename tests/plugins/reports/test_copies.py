"""Copies of what is repeated stand in one row of a summary, and nothing is lost from the sums."""

from blockrun.plugins.reports.copies import collapsed
from blockrun.plugins.reports.rows import Row


def row(node, parameters=0, reads=("x",), shape=(None, 4), adds=None, field=None):
    return Row(node, "linear", reads, shape, parameters, 0, {}, adds, field)


def test_alike_copies_are_gathered_with_their_sums_and_what_the_first_reads():
    rows = [row("in", 3), *(row(f"layers/{i}/fc", 10, (f"r{i}",), adds=7, field=(i, i)) for i in range(3)), row("out")]
    found = collapsed(rows)
    assert [r.node for r in found] == ["in", "layers/[0-2]/fc", "out"]
    assert (found[1].parameters, found[1].multiply_adds, found[1].reads) == (30, 21, ("r0",))
    assert found[1].receptive_field == (2, 2)


def test_a_copy_of_another_shape_stands_alone():
    rows = [row("s/0/c"), row("s/1/c", shape=(None, 8)), row("s/2/c"), row("s/3/c")]
    assert [r.node for r in collapsed(rows)] == ["s/[0,2,3]/c", "s/1/c"]


def test_copies_that_are_not_alike_stand_below_one_another():
    """As the first of each stage of a ResNet, which has another stride."""
    rows = [row(f"s/{i}/{name}", shape=(None, 8 if i or name == "b" else 4)) for i in range(3) for name in "ab"]
    assert [r.node for r in collapsed(rows)] == ["s/0/a", "s/[1-2]/a", "s/[0-2]/b"]


def test_repeats_in_repeats_have_a_range_for_each():
    rows = [row(f"a/{i}/b/{j}/c", 1) for i in range(2) for j in range(3)]
    [found] = collapsed(rows)
    assert (found.node, found.parameters) == ("a/[0-1]/b/[0-2]/c", 6)


def test_a_number_that_is_part_of_a_name_is_no_copy():
    assert [r.node for r in collapsed([row("fc1"), row("fc2"), row("a/fc3")])] == ["fc1", "fc2", "a/fc3"]
