"""Sequences of uneven length, padded at the end; what is wrong is named by row and column."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockrun.plugins.data.padding import Unpadded, pad
from blockrun.plugins.data.ragged import Ragged
from blockrun.plugins.data.sequences import Sequences
from blockrun.plugins.data.ts import Ts
from blockrun.plugins.errors import DataError
from blockrun.plugins.network.build import load

TS = """# Two gestures, made up in the form of the archive.
@problemName Gestures
@timeStamps false
@missing false
@univariate true
@equalLength false
@classLabel true wave point
@data
1.0,2.0,3.0:point
-1.5,0.25:wave
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="s.txt"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 6), st.sampled_from([0.0, -1.0]))
def test_padding_leaves_each_sequence_at_the_front_and_fill_behind_it(lengths, steps, fill):
    rng = np.random.default_rng(0)
    own = [rng.standard_normal((n, 2)).astype(np.float32) for n in lengths]
    starts = np.cumsum([0, *lengths])
    found = Unpadded(np.concatenate(own), starts, np.arange(len(own)), {}, [])
    order = rng.permutation(len(own))
    batch = pad(found, order, steps, fill)
    for row, i in enumerate(order):
        n = min(lengths[i], steps)
        np.testing.assert_array_equal(batch["x"][row, :n], own[i][:n])
        assert (batch["x"][row, n:] == fill).all()
        assert batch["length"][row] == batch["mask"][row].sum() == n
        assert batch["mask"][row, :n].all()


def test_a_line_is_a_sequence_and_its_first_or_last_cell_the_label(write):
    source = Sequences(path=write("1,2.5,up\n\n3,down\n4,5,6,up\n"), label="last")
    known = source.describe()
    assert known.fields == {
        "x": ((3, 1), np.float32), "length": ((), np.int64), "mask": ((3,), np.bool_), "label": ((), np.int64),
    }  # fmt: skip
    assert known.values == {"examples": 3, "shape": [3, 1], "classes": 2, "class_names": ["down", "up"]}
    found = source.read(np.array([1, 0]))
    assert found["x"][..., 0].tolist() == [[3, 0, 0], [1, 2.5, 0]]
    assert found["length"].tolist() == [1, 2]
    assert found["label"].tolist() == [0, 1]
    first = Sequences(path=write("2,1,2\n0,3\n"), label="first").describe()
    assert first.values["classes"] == 3
    number = Sequences(path=write("2.5,1,2\n0,3\n"), label="first")
    assert number.read(np.array([0]))["label"].tolist() == [2.5]


def test_tokens_are_integers_and_channels_follow_each_other(write):
    tokens = Sequences(path=write("4 1 1\n7\n"), delimiter=" ", tokens=True, fill=9)
    assert tokens.describe().fields["x"] == ((3,), np.int64)
    assert tokens.describe().values["vocab"] == 8
    assert tokens.read(np.array([1, 0]))["x"].tolist() == [[7, 9, 9], [4, 1, 1]]
    pairs = Sequences(path=write("1,2,3,4\n5,6\n"), channels=2)
    assert pairs.read(np.array([0, 1]))["x"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [0, 0]]]


def test_a_length_pads_further_and_cuts_where_it_is_told_to(write):
    path = write("1,2,3\n4\n")
    assert Sequences(path=path, length=5).read(np.array([1]))["x"].shape == (1, 5, 1)
    cut = Sequences(path=path, length=2, cut=True).read(np.arange(2))
    assert cut["x"][..., 0].tolist() == [[1, 2], [4, 0]]
    assert cut["length"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("1,2\n3,x,4\n", {}, ", row 2, column 2: `x` is not a number"),
        ("0,1,2\n1,3,nan\n", {"label": "first"}, ", row 2, column 3: `nan` is not a number"),
        ("1,\n", {}, ", row 1, column 2: `` is not a number"),
        ("1,2\n\n3,4.5\n", {"tokens": True}, ", row 3, column 2: `4.5` is not a token, 0 or above"),
        ("1,-2\n", {"tokens": True}, ", row 1, column 2: `-2` is not a token"),
        ("1,2\n1,2,3\n", {"channels": 2}, ", row 2: has 3 numbers, which are no whole steps of 2 channels"),
        ("1,2\n1,2,3\n", {"length": 2}, ", row 2: has 3 steps; `length` is 2"),
        ("\n \n", {}, ": has no sequences"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(text, options, said, write):
    with pytest.raises(DataError, match=re.escape(said)):
        Sequences(path=write(text), **options).describe()


def test_an_archive_has_its_sequences_one_after_another(tmp_path):
    x = np.arange(12.0).reshape(6, 2)
    np.savez(tmp_path / "d.npz", values=x, lengths=[2, 0, 4], y=[1, 0, 1])
    source = Ragged(path=tmp_path / "d.npz", fields={"label": "y"})
    assert source.describe().values == {"examples": 3, "shape": [4, 2], "classes": 2}
    found = source.read(np.array([2, 0, 1]))
    np.testing.assert_array_equal(found["x"][0], x[2:])
    np.testing.assert_array_equal(found["x"][1], [*x[:2], [0, 0], [0, 0]])
    assert found["length"].tolist() == [4, 2, 0]
    assert found["label"].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"values": [1.0, 2.0], "lengths": [1, 2]}, "`lengths` add up to 3 steps, `values` has 2"),
        ({"values": [1.0], "lengths": [2, -1]}, ", row 1 of `lengths`: is -1; a length is 0 or above"),
        ({"values": [1.0], "lengths": [1.0]}, "array `lengths` is [1] float64; it must be one integer for each"),
        ({"values": [1.0], "lengths": [1], "y": [0, 1]}, "`y` has 2 examples, `lengths` has 1"),
        ({"values": [1.0], "length": [1]}, "there is no array `lengths`"),
    ],
)
def test_an_archive_that_does_not_agree_with_itself_is_refused(arrays, said, tmp_path):
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataError, match=re.escape(said)):
        Ragged(path=tmp_path / "d.npz", fields={"label": "y"} if "y" in arrays else None).describe()


def test_a_ts_file_has_its_classes_in_the_order_that_it_lists(write):
    source = Ts(path=write(TS, "g.ts"))
    known = source.describe()
    assert known.values == {"examples": 2, "shape": [3, 1], "classes": 2, "class_names": ["wave", "point"]}
    found = source.read(np.arange(2))
    assert found["x"][..., 0].tolist() == [[1, 2, 3], [-1.5, 0.25, 0]]
    assert found["label"].tolist() == [1, 0]
    assert found["length"].tolist() == [3, 2]


def test_several_channels_and_a_target_that_is_a_number(write):
    text = "@problemName p\n@targetLabel true\n@DATA\n1,2:3,4:5,6:0.5\n7:8:9:2\n"
    found = Ts(path=write(text, "r.ts")).read(np.arange(2))
    assert found["x"].tolist() == [[[1, 3, 5], [2, 4, 6]], [[7, 8, 9], [0, 0, 0]]]
    assert found["label"].tolist() == [0.5, 2]
    assert found["label"].dtype == np.float32


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("-1.5,0.25:wave", "-1.5,?:wave", ", row 10, column 2: `?` is not a number"),
        ("-1.5,0.25:wave", "-1.5,0.25:nod", ", row 10: the class is `nod`; the file says that they are wave, point"),
        ("-1.5,0.25:wave", "1:2:wave", ", row 10: has 2 channels, row 9 has 1"),
        ("-1.5,0.25:wave", "wave", ", row 10: has nothing but one cell"),
        ("1.0,2.0,3.0:point", "1,2:3:point", ", row 9: channel 2 has 1 steps, channel 1 has 2"),
        ("@timeStamps false", "@timeStamps true", ", row 3: series with time stamps cannot be read"),
        ("@classLabel true wave point", "@classLabel true", ", row 7: `@classLabel true` lists no classes"),
        ("@data\n", "", ", row 8: begins with `1.0,2.0,3.0:point`; before `@data`"),
    ],
)
def test_what_is_wrong_in_a_ts_file_is_named(old, new, said, write):
    with pytest.raises(DataError, match=re.escape(said)):
        Ts(path=write(TS.replace(old, new), "g.ts")).describe()


def test_padding_makes_no_difference_to_a_recurrent_net_that_reads_the_lengths(write, tmp_path):
    write(TS, "g.ts")
    text = (
        "blockrun: 1\ninputs: {x: [%d, 1], length: {shape: [], dtype: int64}, label: {shape: [], dtype: int64}}\n"
        "net:\n  memory: {block: lstm, units: 3, in: {x: x, lengths: length}}\n"
        "  scores: {block: linear, units: 2, in: memory.h}\n"
        "  loss: {block: softmax_cross_entropy, in: [scores, label]}\n"
        "data: {train: {source: ts, path: g.ts, length: %d}}\n"
    )
    found = []
    for length in (3, 8):
        net = load(write(text % (length, length), "net.yaml"))
        batch = net.sections.data["train"].source.read(np.arange(2))
        fed = {name: batch[name] for name in net.inputs}
        found.append((net.forward(fed, keep=["loss"])["loss"], net.gradients(fed)["memory.W"]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5, atol=1e-7)
