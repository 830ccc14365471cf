"""What is shown while training runs: rows that can be read, a way that can be seen, events that can be parsed."""

import io
import json

import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.network import load
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.progress import Rows, for_terminal, sparkline
from blockrun.plugins.training.run import train

NETWORK = """\
blockrun: 1
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  flat: flatten
  logits: {block: linear, units: 10}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
  size: {block: sum_of_squares, in: [logits, logits]}
metrics: {accuracy: {block: accuracy, in: [logits, label]}}
data: {train: {source: digits, split: train, batch: 1000}, val: {source: digits, split: val}}
train: {epochs: 3, minimize: {loss: 1, size: 0.5}, optimizer: sgd}
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "net.yaml").write_text(NETWORK)
    return [str(tmp_path / "net.yaml"), f"run.dir={tmp_path / 'runs'}"]


class Latin(io.StringIO):
    encoding = "latin-1"


class Utf8(io.StringIO):
    encoding = "utf-8"


def test_a_sparkline_goes_from_the_least_to_the_greatest():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3.0, 1.0, 2.0]) == "█▁▅"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([1.0, float("nan"), float("inf"), 2.0]) == "▁  █"
    assert sparkline([]) == ""


def test_a_row_a_measurement_under_headings_of_its_width(config):
    stream = Utf8()
    train(load(*config), Rows(stream))
    head, *rows = stream.getvalue().splitlines()
    assert head.split() == [
        "epoch", "train.loss", "train.size", "train.objective", "val.loss", "val.size", "val.objective", "val.accuracy",
        "lr", "examples/s", "left", "trend",
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == ["1/3", "2/3", "3/3"]
    assert {len(row.rstrip("▁▂▃▄▅▆▇█ ")) for row in rows} == {len(head) - 14}
    assert [len(row.split()[-1]) for row in rows] == [1, 2, 3]


def test_the_objective_of_several_losses_is_their_weighted_sum(config):
    for row in train(load(*config)).folder.rows():
        for part in ("train", "val"):
            assert row[part]["objective"] == pytest.approx(row[part]["loss"] + 0.5 * row[part]["size"], rel=1e-12)


def test_a_stream_that_has_no_such_letters_shows_no_sparkline(config):
    stream = Latin()
    train(load(*config), Rows(stream))
    stream.getvalue().encode("ascii")
    assert "trend" not in stream.getvalue()


def test_a_run_that_goes_on_shows_the_way_so_far_with_a_gap_where_it_was_no_number(config):
    class Folder:
        def rows(self):
            return [{"step": 1, "val": {"loss": x, "objective": x}} for x in (4.0, None, 3.0)]

    rows = Rows(Utf8())
    rows.start(Trainer(load(*config)), Folder())
    assert sparkline(rows.way) == "█ ▁"


def test_rows_between_epochs_are_counted_in_steps(config):
    stream = Utf8()
    run = train(load(*config, "train.evaluate={steps: 5}"), Rows(stream))
    head, *rows = stream.getvalue().splitlines()
    assert head.split()[0] == "step"
    assert [row.split()[0] for row in rows] == ["5/12", "10/12", "12/12"]
    assert [(row["step"], row["epoch"]) for row in run.folder.rows()] == [(5, 2), (10, 3), (12, 3)]


def test_events_are_lines_of_json_and_nothing_else(config):
    result = CliRunner().invoke(main, ["train", *config, "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["start", "row", "row", "row", "end"]
    assert (events[0]["steps"], events[0]["parameters"]) == (12, 650)
    assert [event["step"] for event in events[1:4]] == [4, 8, 12]
    assert events[3]["val"] == events[4]["results"]
    assert events[4]["run"] == events[0]["run"]


def test_where_there_is_no_terminal_there_is_no_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", Utf8())
    assert type(for_terminal()) is Rows
