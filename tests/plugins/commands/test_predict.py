"""`blockrun predict`: the numbers of the network, whatever file they come from and go to."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.network import load
from blockrun.plugins.training.predict import needed, predicted
from blockrun.plugins.training.run import load_run, train

NET = """\
blockrun: 1
inputs: {x: [2, 3], label: {shape: [], dtype: int64}}
net:
  flat: {block: flatten, in: x}
  logits: {block: linear, units: 4}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
data:
  train: {source: synthetic, fields: {x: [2, 3], label: {below: 4}}, examples: 40, batch: 8}
train: {minimize: loss, epochs: 1, optimizer: sgd}
"""
X = np.arange(30, dtype=np.float32).reshape(5, 2, 3) / 30


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    (folder / "net.yaml").write_text(NET)
    return train(load(folder / "net.yaml", f"run.dir={folder}")).folder


@pytest.fixture
def predict(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("in.npz", x=X)
    np.save("in.npy", X)
    np.savetxt("in.csv", X.reshape(5, 6), delimiter=",", header="a,b,c,d,e,f", comments="")
    np.savetxt("bare.csv", X.reshape(5, 6), delimiter=",")
    return lambda *arguments, **options: CliRunner().invoke(main, ["predict", str(trained.path), *arguments], **options)


@pytest.fixture
def expected(trained):
    """x Wᵀ + b, by NumPy alone."""
    network = load_run(trained)
    return X.reshape(5, 6) @ network.params["logits.W"].T + network.params["logits.b"]


def table(text):
    return np.array(list(csv.reader(io.StringIO(text)))[1:], float)


@pytest.mark.parametrize("file", ["in.npz", "in.npy", "in.csv", "bare.csv"])
def test_every_kind_of_file_gives_the_same_numbers(predict, expected, file):
    found = predict(file)
    assert found.stdout.startswith("logits[0],logits[1],logits[2],logits[3]\n")
    np.testing.assert_allclose(table(found.stdout), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("file", ["in.npz", "in.npy", "in.csv"])
def test_standard_input_may_be_any_of_them(predict, expected, file):
    np.testing.assert_allclose(
        table(predict("-", input=Path(file).read_bytes()).stdout), expected, rtol=1e-5, atol=1e-6
    )


def test_what_comes_out_can_be_a_file_of_any_kind(predict, expected):
    for file in ("out.csv", "out.npz", "out.npy"):
        assert predict("in.npz", "-o", file).exit_code == 0
    np.testing.assert_allclose(table(Path("out.csv").read_text()), expected, rtol=1e-5, atol=1e-6)
    with np.load("out.npz") as out:
        np.testing.assert_allclose(out["logits"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.load("out.npy"), expected, rtol=1e-5, atol=1e-6)


def test_a_variable_may_be_called_as_an_argument_of_savez(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET.replace("flat:", "file:"))
    train(load("net.yaml", "run.dir=runs"))
    np.savez("in.npz", x=X)
    assert CliRunner().invoke(main, ["predict", "latest", "in.npz", "--keep", "file", "-o", "out.npz"]).exit_code == 0
    with np.load("out.npz") as out:
        np.testing.assert_array_equal(out["file"], X.reshape(5, 6))


def test_any_variable_can_be_kept_and_batches_change_nothing(predict):
    found = predict("in.npz", "--keep", "flat", "--keep", "logits", "--batch", "2", "-o", "out.npz")
    assert found.exit_code == 0
    with np.load("out.npz") as out:
        np.testing.assert_array_equal(out["flat"], X.reshape(5, 6))
        assert out["logits"].shape == (5, 4)


def test_without_a_file_the_data_of_the_run_are_taken(predict):
    assert len(table(predict().stdout)) == 40


def test_labels_are_not_needed_for_what_they_do_not_reach(trained):
    network = load_run(trained)
    assert predicted(network) == ("logits",)
    assert needed(network, ["logits"]) == ["x"]
    assert needed(network, ["loss"]) == ["x", "label"]


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (["nope.csv"], None, "nope.csv: there is no such file"),
        (["in.txt"], None, "there is no such file"),
        (["in.npz", "-o", "out.txt"], None, "the name must end in .csv, .npz or .npy"),
        (["in.npz", "--keep", "logit"], None, "did you mean `logits`?"),
        (["-"], "1,2\n", "standard input: has 2 columns; the network reads 6 of `x`"),
        (["-"], "a,b,c,d,e,six\n1,2,3,4,5,7\n1,2,3,4,5,\n", "standard input, row 3, column `six`: the cell is empty"),
        (["-"], "1,2,3,4,5,six\n", "standard input, row 1, column 6: `six` is not a number, others in the row are"),
        (["-"], "a,b,c,d,e,f\n1,2,3,4,5,6\n\n1,2,x,4,5,6\n", "standard input, row 4, column `c`: `x` is not a finite"),
        (["-"], "a,b,c,d,e,f\n1,2,3,4,5,6\n1,2,3,4,5\n", "standard input, row 3: has 5 cells, the first row has 6"),
        (["-"], "1,2,3,4,5,inf\n", "standard input, row 1, column `6`: `inf` is not a finite number"),
        (["-"], "", "standard input: has"),
        (["-"], "a,b,c,d,e,f\n", "standard input: has no rows of data, only a header"),
        (["-"], b"PK\3\4 and no more", "standard input: not a readable"),
        (["-"], b"\x93NUMPY and no more", "standard input: not a readable"),
        (["in.npz", "--as", "npy", "--keep", "flat", "--keep", "logits"], None, "standard output would be one array"),
        (["in.npz", "-o", "out.npz", "--as", "npy"], None, "out.npz is not called .npy"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(predict, arguments, text, words):
    found = predict(*arguments, input=text)
    assert found.exit_code in (2, 6)
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_labels_that_are_to_be_whole_numbers_are_refused_where_they_are_not(predict):
    rows = "a,b,c,d,e,f,label\n\n0,0,0,0,0,0,1\n0,0,0,0,0,0,1.5\n"
    wrong = predict("-", "--keep", "loss", input=rows).stderr
    assert "standard input, row 4, column `label`: 1.5 is not a whole number" in wrong


@pytest.mark.parametrize("kind", ["csv", "npz", "npy"])
@pytest.mark.parametrize("file", ["in.csv", "in.npz", "in.npy"])
def test_everything_goes_through_pipes(predict, trained, expected, kind, file):
    """By a shell, so that standard input and output are those of processes."""
    command = f'"{sys.executable}" -m blockrun predict "{trained.path}" - --as {kind} < {file} | cat'
    done = subprocess.run(command, shell=True, capture_output=True)
    assert done.stderr == b""
    if kind == "csv":
        found = table(done.stdout.decode())
    else:
        read = np.load(io.BytesIO(done.stdout), allow_pickle=False)
        found = read["logits"] if kind == "npz" else read
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_what_is_printed_can_be_read_again(predict):
    """Of a network whose output is like its input; every digit of a csv is there."""
    first = predict("in.npz", "--keep", "flat")
    again = predict("-", "--keep", "flat", input=first.stdout)
    assert again.stdout == first.stdout
    np.testing.assert_array_equal(table(first.stdout).astype(np.float32), X.reshape(5, 6))
