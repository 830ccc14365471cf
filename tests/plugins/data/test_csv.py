"""A table is read as its columns say, and a bad cell is named by file, row, column and content."""

import tracemalloc

import numpy as np
import pytest

from blockrun.plugins.data.csv import Csv
from blockrun.plugins.errors import DataError

IRIS = "a,b,species\n1,2.5,setosa\n3,4,virginica\n5,6,setosa\n"


@pytest.fixture
def table(tmp_path):
    def write(text, **options):
        path = tmp_path / f"t{len(list(tmp_path.iterdir()))}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Csv(path=path, **options)

    return write


def refusal(source):
    with pytest.raises(DataError) as caught:
        source.describe()
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith(str(source.path))
    return caught.value.message.removeprefix(str(source.path)), caught.value.help


def test_the_last_column_is_the_label_and_the_others_are_features(table):
    source = table(IRIS)
    known = source.describe()
    assert known.fields == {"features": ((2,), np.float64), "label": ((), np.int64)}
    assert known.values == {"examples": 3, "shape": [2], "classes": 2, "class_names": ["setosa", "virginica"]}
    arrays = source.read(np.array([2, 0, 1]))
    np.testing.assert_array_equal(arrays["features"], [[5, 6], [1, 2.5], [3, 4]])
    np.testing.assert_array_equal(arrays["label"], [0, 0, 1])


def test_fields_are_columns_lists_and_ranges(table):
    source = table("w,x,y,z\n1,2,3,4\n5,6,7,8.5\n", fields={"one": "x", "list": ["z", "w"], "range": "x..z", "f": "z"})
    arrays = source.read(np.arange(2))
    assert arrays["one"].tolist() == [2, 6]
    assert arrays["one"].dtype == np.int64
    assert arrays["list"].tolist() == [[4, 1], [8.5, 5]]
    assert arrays["range"].tolist() == [[2, 3, 4], [6, 7, 8.5]]
    assert arrays["f"].tolist() == [4, 8.5]


def test_a_list_of_one_column_is_a_vector_of_one(table):
    assert table(IRIS, fields={"x": ["a"]}).read(np.arange(3))["x"].shape == (3, 1)


def test_without_a_header_columns_go_by_number(table):
    source = table("1;2;0\n3;4;1\n", header=False, delimiter=";", fields={"x": "1..2", "y": 3})
    assert source.read(np.arange(2))["x"].tolist() == [[1, 2], [3, 4]]
    assert source.describe().values["classes"] == 2


def test_quotes_blanks_a_byte_order_mark_and_windows_line_ends_are_understood(table):
    source = table(b'\xef\xbb\xbf"a, b", y\r\n"1.5", "no"\r\n\r\n 2 ,yes\r\n'.replace(b', "no"', b',"no"'))
    assert source.read(np.arange(2))["features"].tolist() == [[1.5], [2]]
    assert source.describe().values["class_names"] == ["no", "yes"]


def test_rows_cut_two_data_sets_that_agree_on_the_classes(table):
    train, val = table(IRIS, rows=(0, 2)), table(IRIS, rows=(2, 3))
    assert val.read(np.array([0]))["features"].tolist() == [[5, 6]]
    assert train.describe().values["class_names"] == val.describe().values["class_names"]
    assert "`rows` is [2, 4], but the file has 3 examples" in refusal(table(IRIS, rows=(2, 4)))[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,y\n1,0\n\n,1\n", ", row 4, column `a`: the cell is empty"),
        ("a,y\n1,0\nx1,1\n", ", row 3, column `a`: `x1` is not a finite number"),
        ("a,y\n1,0\nnan,1\n", ", row 3, column `a`: `nan` is not a finite number"),
        ("a,y\n1,0\n1_0,1\n", ", row 3, column `a`: `1_0` is not a finite number"),
        ('a,y\n"1\n",0\nz,1\n', ", row 4, column `a`: `z` is not a finite number"),
        ("a,y\n1,yes\n2,3\n", ", row 3, column `y`: `3` is a number, but `yes` in row 2 is not"),
        ("a,y\n1,3\n2,yes\n", ", row 3, column `y`: `yes` is not a finite number"),
        ("a,y\n1,0\n1,0,0\n", ", row 3: has 3 cells, the first row has 2"),
        ("a,y\n1,0\n1\n", ", row 3: has 1 cells, the first row has 2"),
        ("a,a\n1,0\n", ", row 1: columns 1 and 2 are both named `a`"),
        (",y\n1,0\n", ", row 1: column 1 has no name"),
        ("1,2\n3,4\n", ", row 1: holds only numbers where the names of the columns are expected"),
        ("a,y\n", ": has no rows of data, only a header"),
        ("\n\n", ": has no rows of data"),
        ("", ": is empty (0 bytes)"),
        ("y\n1\n", ": has 1 column, features and a label need 2"),
        (b"a,y\n1,0\n\xff,1\n", ", row 3: byte 0xff is not UTF-8"),
        ('a,y\n1,0\n"1,1\n', ", row 3: unexpected end of data"),
    ],
)
def test_a_bad_table_is_refused_with_row_and_column(table, text, message):
    assert refusal(table(text))[0] == message


def test_unknown_and_repeated_columns_are_refused_with_a_suggestion(table):
    assert refusal(table(IRIS, fields={"y": "specie"})) == (
        ": there is no column `specie`",
        "did you mean `species`?",
    )
    assert "listed twice" in refusal(table(IRIS, fields={"x": ["a", "a"]}))[0]
    assert "runs backwards" in refusal(table(IRIS, fields={"x": "b..a"}))[0]


def test_options_that_make_no_sense_are_refused(table):
    for options in ({"delimiter": "ab"}, {"delimiter": '"'}, {"fields": {"x": []}}, {"fields": {"x": {}}}):
        with pytest.raises(ValueError, match="must be"):
            table(IRIS, **options)


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(Csv(path=tmp_path / "none.csv"))[0] == ": no such file or directory"


def test_a_table_takes_the_memory_of_its_numbers_and_not_that_of_its_text(tmp_path):
    """Twice that of the numbers while columns become one array; as text they took ten times as much."""
    rows = np.random.default_rng(0).standard_normal((30_000, 20))
    np.savetxt(tmp_path / "big.csv", rows, delimiter=",", header=",".join(f"c{i}" for i in range(20)), comments="")
    tracemalloc.start()
    try:
        source = Csv(path=tmp_path / "big.csv", fields={"x": "c0..c19"})
        assert source.describe().examples == 30_000
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.1 * rows.nbytes
    assert peak < 2.2 * rows.nbytes + 15e6
    np.testing.assert_array_equal(source.read(np.arange(30_000))["x"], rows)


def test_a_column_stays_what_it_is_beyond_the_rows_that_are_read_together(table, monkeypatch):
    """Whole numbers until a fraction comes, words in an order that is not sorted, and the row of what is wrong."""
    monkeypatch.setattr("blockrun.plugins.data.csv.AT_ONCE", 2)
    text = "a,b,c\n" + "".join(f"{i},{i}{'.5' if i == 5 else ''},{'zyx'[i % 3]}\n" for i in range(7))
    source = table(text, fields={"a": "a", "b": "b", "c": "c"})
    found = source.read(np.arange(7))
    assert (found["a"].dtype, found["b"].dtype) == (np.int64, np.float64)
    assert found["b"].tolist() == [0, 1, 2, 3, 4, 5.5, 6]
    assert found["c"].tolist() == [2, 1, 0, 2, 1, 0, 2]
    assert source.describe().values["examples"] == 7
    assert refusal(table(text + "8,x,y\n"))[0] == ", row 9, column `b`: `x` is not a finite number"
    assert refusal(table(text + "8,9,1\n"))[0].startswith(", row 9, column `c`: `1` is a number, but `z` in row 2")
    assert refusal(table(text + "8,9\n"))[0] == ", row 9: has 2 cells, the first row has 3"
