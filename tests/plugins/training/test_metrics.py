"""What is recorded and shown of metrics: matrices, results that are no number, sums in double precision."""

import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.errors import UserError
from blockrun.plugins.network import load
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.progress import Rows
from blockrun.plugins.training.run import train

CLASSES = """\
blockrun: 1
inputs: {x: [4], label: {shape: [], dtype: int64}}
net:
  logits: {block: linear, units: 3}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
metrics:
  confusion: {block: confusion_matrix, in: [logits, label]}
  precision: {block: precision, average: macro, in: [logits, label], ignore: 0}
  perplexity: {block: perplexity, in: [logits, label]}
data:
  train: {source: npz, path: data.npz, batch: 20}
  val: {source: npz, path: data.npz, rows: [0, 30], batch: 30}
train: {epochs: 2, optimizer: {name: sgd, lr: 0.5}}
"""
NUMBERS = """\
blockrun: 1
inputs: {x: [4], target: [2]}
net:
  y: {block: linear, in: x, units: 2}
  loss: {block: mean_squared_error, in: [y, target]}
metrics:
  r2: {block: r2, in: [y, target]}
  rmse: {block: squared_error, root: true, in: [y, target]}
data: {val: {source: npz, path: data.npz, batch: 30}}
"""


@pytest.fixture
def write(tmp_path):
    """write(text, **arrays): a network file beside its data; returns the file."""

    def write(text, **arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        file = tmp_path / "net.yaml"
        file.write_text(text)
        return file

    return write


@pytest.fixture
def classes(write):
    """Three classes that are easy to tell apart; all of the first 30 labels are 0."""
    rng = np.random.default_rng(0)
    label = np.r_[np.zeros(30, dtype=np.int64), rng.integers(3, size=30)]
    x = np.eye(4)[label] + 0.1 * rng.standard_normal((60, 4))
    return write(CLASSES, x=x.astype(np.float32), label=label)


def strictly(text):
    """JSON as the standard has it, which knows no NaN."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_matrix_is_recorded_as_rows_and_what_is_no_number_as_null(classes, tmp_path):
    """Precision ignores the only label that the part has, so there is nothing to average."""
    run = train(load(classes, f"run.dir={tmp_path / 'runs'}"))
    rows = [strictly(line) for line in (run.folder.path / "metrics.jsonl").read_text().splitlines()]
    results = strictly((run.folder.path / "run.json").read_text())["results"]
    assert np.sum(rows[0]["val"]["confusion"]) == 30
    assert rows[-1]["val"]["confusion"] == results["confusion"] == [[30, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert rows[-1]["val"]["precision"] is results["precision"] is None


def test_the_table_of_progress_leaves_matrices_out_and_says_nan(classes, tmp_path):
    stream = io.StringIO()
    train(load(classes, f"run.dir={tmp_path / 'runs'}"), Rows(stream))
    heads, first, *_ = (line.split() for line in stream.getvalue().splitlines())
    assert len(heads) == len(first)
    shown = dict(zip(heads, first, strict=True))
    assert shown["val.precision"] == "nan"
    assert float(shown["val.perplexity"]) > 1
    assert "val.confusion" not in heads


def test_train_and_eval_print_a_matrix_a_row_on_a_line(classes, tmp_path):
    runs = str(tmp_path / "runs")
    printed = CliRunner().invoke(main, ["train", str(classes), f"run.dir={runs}"])
    assert "val confusion:\n  30  0  0\n   0  0  0\n   0  0  0\n" in printed.stdout
    printed = CliRunner().invoke(main, ["eval", "latest", "--dir", runs])
    assert "val confusion:\n  30  0  0\n   0  0  0\n   0  0  0\nval precision: nan\n" in printed.stdout
    printed = CliRunner().invoke(main, ["eval", "latest", "--dir", runs, "--json"])
    found = strictly(printed.stdout)
    assert found["confusion"] == [[30, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert found["precision"] is None


def test_a_matrix_cannot_be_monitored(classes, tmp_path):
    rate = "train.optimizer={name: sgd, lr: {name: plateau, peak: 0.1, monitor: val.confusion, mode: max}}"
    with pytest.raises(UserError, match=r"`val\.confusion` is not measured"):
        train(load(classes, rate, f"run.dir={tmp_path / 'runs'}"))


def test_counts_do_not_depend_on_how_the_part_is_cut_into_batches(classes):
    results = [
        evaluate(network, network.sections.data["train"])
        for network in (load(classes, f"data.train.batch={size}") for size in (60, 7, 3, 1))
    ]
    for result in results[1:]:
        assert result["confusion"] == results[0]["confusion"]
        assert result["precision"] == results[0]["precision"]
        assert result["perplexity"] == pytest.approx(results[0]["perplexity"], rel=1e-6)


@pytest.mark.parametrize("batch", [200, 30, 7])
def test_r2_of_a_float32_network_is_that_of_two_passes_in_float64(write, batch):
    """With targets of mean 10⁴ and deviation 1, and predictions 0: R² = 1 − mean(t²) / var(t), about −10⁸."""
    rng = np.random.default_rng(0)
    target = (1e4 + rng.standard_normal((200, 2))).astype(np.float32)
    file = write(NUMBERS, x=np.zeros((200, 4), dtype=np.float32), target=target)
    network = load(file, f"data.val.batch={batch}")
    wide = target.astype(np.float64)
    right = (1 - np.square(wide).mean(axis=0) / wide.var(axis=0)).mean()
    results = evaluate(network, network.sections.data["val"])
    assert results["r2"] == pytest.approx(right, rel=1e-6)
    assert results["rmse"] == pytest.approx(np.sqrt(np.square(wide).mean()), rel=1e-6)
