"""Parts of a source are drawn once and for all: they share nothing, leave nothing out, and keep groups together."""

import re
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.commands.main import main
from blockrun.plugins.data.digits import Digits
from blockrun.plugins.data.source import Description, Field, Source
from blockrun.plugins.data.take import Take, Taken
from blockrun.plugins.errors import DataError
from blockrun.plugins.network.build import load
from blockrun.plugins.network.diagnostics import ConfigError


class Table(Source):
    kinds: tuple[int, ...]

    def describe(self):
        fields = {"kind": Field((), np.dtype(np.int64)), "x": Field((2,), np.dtype(np.float32))}
        return Description(fields, len(self.kinds), {"examples": len(self.kinds), "classes": 5})

    def read(self, indices):
        return {"kind": np.array(self.kinds)[indices], "x": np.zeros((len(indices), 2), np.float32)}


def chosen(source, **options):
    try:
        return Take(**options).choose(source).tolist()
    except DataError:  # a part with nothing in it
        return []


KINDS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(tuple)
CUTS = st.lists(st.floats(0, 1), max_size=3, unique=True).map(lambda cuts: sorted({0.0, 1.0, *cuts}))
HOWS = st.sampled_from([{}, {"group": "kind"}, {"stratify": "kind"}])


@given(KINDS, CUTS, HOWS, st.integers(0, 3))
def test_parts_that_meet_hold_every_example_once_whatever_else_is_asked(kinds, cuts, how, seed):
    source = Table(kinds=kinds)
    parts = [chosen(source, fraction=cut, seed=seed, **how) for cut in pairwise(cuts)]
    assert sorted(chain.from_iterable(parts)) == list(range(len(kinds)))
    if "group" in how:
        groups = [{kinds[i] for i in part} for part in parts]
        assert sum(map(len, groups)) == len(set(kinds))


@given(KINDS, st.floats(0.01, 0.99), st.integers(0, 3))
def test_a_stratified_part_has_each_class_in_proportion(kinds, cut, seed):
    """Within two examples: each class is spread evenly, and what meets at the cut is rounded together."""
    part = chosen(Table(kinds=kinds), fraction=(0, cut), stratify="kind", seed=seed)
    for kind in set(kinds):
        assert abs(sum(kinds[i] == kind for i in part) - cut * kinds.count(kind)) < 2
    assert abs(len(part) - cut * len(kinds)) <= 0.5 + 1e-9


def test_a_part_is_drawn_from_the_seed_alone_and_not_the_beginning_of_the_file():
    source = Table(kinds=(0,) * 100)
    first = chosen(source, fraction=(0, 0.8))
    assert len(first) == 80
    assert first == chosen(source, fraction=(0, 0.8)) != list(range(80))
    assert first != chosen(source, fraction=(0, 0.8), seed=1)


def test_a_part_reads_its_own_examples_and_tells_how_many():
    take = Take(fraction=(0.5, 1), stratify="label")
    part = Taken(Digits(), take.choose(Digits()))
    known = part.describe()
    assert known.values == {"classes": 10, "shape": [8, 8, 1], "examples": known.examples}
    assert known.examples in (1720, 1721)
    whole, found = Digits().read(np.arange(3441)), part.read(np.array([3, 0]))
    np.testing.assert_array_equal(found["image"], whole["image"][part.indices[[3, 0]]])


NET = """blockrun: 1
inputs: {{image: [8, 8, 1]}}
net: {{out: {{block: identity, in: image}}}}
data: {{train: {{source: digits, take: {take}}}}}
"""


def test_a_file_takes_a_part_and_what_it_asks_of_the_data_is_about_that_part(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(NET.format(take="[0, 0.8]").replace("data:", "vars: {n: $data.examples}\ndata:"))
    network = load(file)
    assert network.resolved["vars"] == {"n": 2753} == {"n": network.sections.data["train"].description.examples}
    file.write_text(NET.format(take="{fraction: [0, 0.8], stratify: label, seed: 3}"))
    assert load(file).sections.data["train"].description.examples == 2753
    printed = CliRunner().invoke(main, ["show", str(file), "--resolved"])
    assert printed.exit_code == 0
    assert "split: train" in printed.output


@pytest.mark.parametrize(
    ("take", "said"),
    [
        ("[0.8, 0.2]", "`fraction` is [0.8, 0.2]; it must be [start, end], start < end"),
        ("[0, 2]", "`data.train.take.fraction` is [0, 2]"),
        ("0.8", "`data.train.take` is 0.8; it must be [start, end]"),
        ("{group: label}", "needs the option `fraction`"),
        ("{fraction: [0, 1], groups: label}", "has no option `groups`"),
        ("{fraction: [0, 1], group: writer}", "`group` is `writer`, which source `digits` has no field of"),
        ("{fraction: [0, 1], stratify: image}", "which is [8, 8, 1] float32; it must be one whole number"),
        ("{fraction: [0, 1], stratify: label, group: label}", "`group` and `stratify` are both given"),
        ("{fraction: [0, 0.00001]}", "of 3441 examples of source `digits` holds none"),
    ],
)
def test_what_cannot_be_taken_is_said_where_it_is_written(take, said, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(NET.format(take=take))
    with pytest.raises(ConfigError) as caught:
        load(file)
    (found,) = caught.value.diagnostics
    assert said in found.message


def test_the_parts_of_the_page_share_no_example_and_leave_none_out(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    (text, *_) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "net.yaml").write_text(text)
    data = load(tmp_path / "net.yaml").sections.data
    assert sorted([*data["train"].source.indices, *data["val"].source.indices]) == list(range(3441))
