"""Arrays come out of an archive as they went in; archives that are damaged or lie are refused in one line."""

import io
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from blockrun.plugins.data.npz import Npz
from blockrun.plugins.errors import DataError

X = np.arange(24, dtype=np.float32).reshape(6, 2, 2)
Y = np.array([0, 2, 1, 2, 0, 1], np.uint8)


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    return tmp_path / "d.npz"


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive(path, *members, method=zipfile.ZIP_STORED):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of duplicate names, which are wanted here
        with zipfile.ZipFile(path, "w", method) as z:
            for name, data in members:
                z.writestr(name, data)
    return path


def refusal(source):
    with pytest.raises(DataError) as caught:
        source.read(np.arange(1))
    assert "\n" not in caught.value.message
    assert str(source.path) in caught.value.message
    return caught.value.message


def test_every_array_is_a_field_under_its_own_name(file):
    source = Npz(path=file)
    known = source.describe()
    assert known.fields == {"x": ((2, 2), np.float32), "y": ((), np.int64)}
    assert known.values == {"examples": 6, "shape": [2, 2], "classes": 3}
    arrays = source.read(np.array([4, 1]))
    np.testing.assert_array_equal(arrays["x"], X[[4, 1]])
    assert arrays["x"].dtype == np.float32
    np.testing.assert_array_equal(arrays["y"], [0, 2])
    assert arrays["y"].dtype == np.int64


def test_fields_choose_and_rename_arrays(file):
    assert list(Npz(path=file, fields={"image": "x"}).describe().fields) == ["image"]


def test_rows_cut_two_data_sets_from_one_file_that_agree_on_the_classes(file):
    train, val = Npz(path=file, rows=(0, 5)), Npz(path=file, rows=(5, 6))
    assert (train.describe().examples, val.describe().examples) == (5, 1)
    assert train.describe().values["classes"] == val.describe().values["classes"] == 3
    np.testing.assert_array_equal(val.read(np.array([0]))["x"], X[5:])


@pytest.mark.parametrize(("rows", "error"), [((2, 2), ValueError), ((-1, 2), ValueError), ((0, 7), DataError)])
def test_rows_that_are_not_there_are_refused(file, rows, error):
    with pytest.raises(error, match=r"rows"):
        Npz(path=file, rows=rows).describe()


def test_other_byte_and_axis_orders_are_read_right(tmp_path):
    table = np.arange(6, dtype=">f8").reshape(3, 2)
    np.savez_compressed(tmp_path / "d.npz", a=np.asfortranarray(table), b=table)
    arrays = Npz(path=tmp_path / "d.npz").read(np.arange(3))
    np.testing.assert_array_equal(arrays["a"], table)
    np.testing.assert_array_equal(arrays["b"], table)
    assert arrays["b"].dtype == np.dtype(np.float64)


def test_a_file_that_was_written_anew_is_read_anew(file):
    Npz(path=file).read(np.arange(1))
    np.savez(file, x=X[:4] + 1, y=Y[:4])
    np.testing.assert_array_equal(Npz(path=file).read(np.arange(4))["x"], X[:4] + 1)


def test_arrays_that_nobody_asked_for_may_be_of_any_kind(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, names=np.array(["a", "b"]), rate=np.array(0.1))
    assert Npz(path=tmp_path / "d.npz", fields={"x": "x"}).describe().examples == 6


def test_an_unknown_array_comes_with_a_suggestion(file):
    with pytest.raises(DataError) as caught:
        Npz(path=file, fields={"x": "xx"}).describe()
    assert caught.value.help == "did you mean `x`?"


def test_missing_empty_and_foreign_files_are_refused(tmp_path):
    (tmp_path / "empty.npz").touch()
    (tmp_path / "text.npz").write_text("x,y\n1,2\n")
    assert "no such file" in refusal(Npz(path=tmp_path / "none.npz"))
    assert "is a folder" in refusal(Npz(path=tmp_path))
    assert "is empty" in refusal(Npz(path=tmp_path / "empty.npz"))
    assert "not a readable .npz" in refusal(Npz(path=tmp_path / "text.npz"))
    assert "no arrays" in refusal(Npz(path=archive(tmp_path / "bare.npz")))


def test_arrays_that_do_not_go_together_are_refused(tmp_path):
    def refuse(**arrays):
        np.savez(tmp_path / f"{len(list(tmp_path.iterdir()))}.npz", **arrays)
        return refusal(Npz(path=tmp_path / f"{len(list(tmp_path.iterdir())) - 1}.npz"))

    assert "`a` has 3 examples and `b` has 2" in refuse(a=np.zeros(3), b=np.zeros(2))
    assert "single number" in refuse(a=np.zeros(()))
    assert "complex" in refuse(a=np.zeros(3, complex))
    assert "more than a 64-bit integer" in refuse(a=np.full(3, 2**63, np.uint64))


def test_pickled_objects_are_refused_unread(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    assert "object" in refusal(Npz(path=archive(tmp_path / "o.npz", ("a.npy", npy(np.array([Trap()], object))))))


def test_two_arrays_of_one_name_are_refused(tmp_path):
    path = archive(tmp_path / "t.npz", ("a.npy", npy(X)), ("a.npy", npy(X + 1)))
    assert "two arrays are named `a`" in refusal(Npz(path=path))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_header_that_declares_a_petabyte_allocates_nothing(tmp_path, method):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**14, 2)})
    path = archive(tmp_path / "bomb.npz", ("a.npy", stream.getvalue() + bytes(80)), method=method)
    tracemalloc.start()
    assert "declares" in refusal(Npz(path=path))
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_no_damaged_byte_and_no_missing_end_raises_anything_else(tmp_path):
    """Whatever byte is inverted, either the arrays are right (dates and the like) or it is a DataError."""
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x=X, y=Y)
    whole = path.read_bytes()
    variants = [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    refused = 0
    for number, data in enumerate(variants + [whole[:n] for n in range(0, len(whole), 7)]):
        damaged = tmp_path / f"{number}.npz"
        damaged.write_bytes(data)
        try:
            arrays = Npz(path=damaged).read(np.arange(6))
            assert all(np.array_equal(arrays[name], {"x": X, "y": Y}[name]) for name in arrays)
        except DataError:
            refused += 1
    assert refused > len(whole) / 2
