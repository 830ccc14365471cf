"""What a user meets after a slip: one helpful message and a documented exit code, never a traceback, never litter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[1] / "configs"
GOOD = (CONFIGS / "digits.yaml").read_text()
CSV = """\
blockrun: 1
inputs: {features: [2], label: {shape: [], dtype: int64}}
net:
  logits: {block: linear, units: 2}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
data: {train: {source: csv, path: table.csv}}
train: {epochs: 1, optimizer: sgd}
"""


def blockrun(*arguments, cwd, **options):
    command = [sys.executable, "-m", "blockrun", *arguments]
    environment = {**os.environ, "BLOCKRUN_PLUGINS": ""}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, **options)


def refused(result, code, *words):
    """One message, the right exit code, nothing on standard output."""
    shown = result.stdout + result.stderr
    assert "Traceback" not in shown
    assert "internal error" not in shown
    assert result.returncode == code, shown
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    return result.stderr


def test_a_missing_file_names_what_is_there(tmp_path):
    (tmp_path / "digits.yaml").write_text(GOOD)
    refused(blockrun("train", "digit.yaml", cwd=tmp_path), 2, "there is no file digit.yaml", "digits.yaml")


def test_a_directory_is_not_a_file(tmp_path):
    refused(blockrun("train", str(tmp_path), cwd=tmp_path), 2, "is a folder, not a file")


@pytest.mark.parametrize("content", [b"", b"\n\n# only a comment\n"])
def test_an_empty_file_is_called_empty(tmp_path, content):
    (tmp_path / "net.yaml").write_bytes(content)
    refused(blockrun("train", "net.yaml", cwd=tmp_path), 2, "net.yaml is empty")


def test_binary_garbage_is_recognised_and_placed(tmp_path):
    (tmp_path / "net.yaml").write_bytes(bytes(range(256)) * 20)
    refused(blockrun("train", "net.yaml", cwd=tmp_path), 2, "net.yaml:")


def test_a_file_of_another_kind_is_not_taken_for_a_network(tmp_path):
    (tmp_path / "net.yaml").write_text("just a sentence\n")
    refused(blockrun("train", "net.yaml", cwd=tmp_path), 2, "it must be a map")


@pytest.mark.parametrize(
    ("before", "after", "place", "words"),
    [
        ("block: conv2d, channels: 16", "block: conv2, channels: 16", "5:18", "did you mean `conv2d`?"),
        ("channels: 16", "channels: many", "5:36", '`net.conv1.channels` is "many"; it must be an integer, at least 1'),
        ("channels: 16", "chanels: 16", "5:26", "did you mean `channels`?"),
        ("in: [logits, label]}\nmetrics", "in: [logit, label]}\nmetrics", "20:45", "did you mean `logits`?"),
        ("train:\n  minimize", "trian:\n  minimize", "27:1", "did you mean `train`?"),
        ("source: digits, split: train", "source: digit, split: train", "24:19", "did you mean `digits`?"),
        ("name: adam", "name: adm", "30:21", "did you mean `adam`?"),
        ("  flat: flatten\n", "", "19:3", "shapes so far"),
    ],
)  # fmt: skip
def test_a_slip_in_the_file_is_shown_at_its_place(tmp_path, before, after, place, words):
    assert before in GOOD
    (tmp_path / "net.yaml").write_text(GOOD.replace(before, after, 1))
    refused(blockrun("train", "net.yaml", cwd=tmp_path), 2, f"net.yaml:{place}\n", words)
    assert not (tmp_path / "runs").exists()


def test_all_mistakes_of_a_file_are_said_at_once(tmp_path):
    text = GOOD.replace("conv2d", "conv4d", 1).replace("p: 0.3", "p: 3").replace("epochs: 15", "epoch: 15")
    (tmp_path / "net.yaml").write_text(text)
    shown = refused(blockrun("train", "net.yaml", cwd=tmp_path), 2, "`conv4d`", "`net.drop2.p` is 3", "`epoch`")
    assert "E040" not in shown  # what cannot be known after a mistake is not guessed at


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("a,b,label\n1,2,0\n3,,1\n", "table.csv, row 3, column `b`"),
        ("a,b,label\n1,2,0\n3,x,1\n", "table.csv, row 3, column `b`"),
        ("a,b,label\n1,2,0\n3,1\n", "table.csv, row 3"),
        ("a,b,label\n", "table.csv"),
        ("", "table.csv"),
    ],
)
def test_a_table_with_a_hole_is_refused_before_a_run_begins(tmp_path, table, words):
    (tmp_path / "net.yaml").write_text(CSV)
    (tmp_path / "table.csv").write_text(table)
    refused(blockrun("train", "net.yaml", cwd=tmp_path), 6, words)
    assert not (tmp_path / "runs").exists()


def test_an_unknown_run_says_what_to_do(tmp_path):
    refused(blockrun("eval", "latest", cwd=tmp_path), 7, "there is no run `latest`", "blockrun train")


def test_a_run_folder_that_cannot_be_made_is_said_before_training(tmp_path):
    (tmp_path / "runs").write_text("in the way")
    (tmp_path / "net.yaml").write_text(GOOD)
    refused(blockrun("train", "net.yaml", "-q", cwd=tmp_path), 7, "the run folder", "cannot be made")


def test_a_damaged_checkpoint_is_not_measured(tmp_path):
    (tmp_path / "net.yaml").write_text(GOOD)
    assert blockrun("train", "net.yaml", "train.epochs=1", "-q", cwd=tmp_path).returncode == 0
    (checkpoint,) = tmp_path.glob("runs/net/*/checkpoints/*.safetensors")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    refused(blockrun("eval", "latest", cwd=tmp_path), 7, "last.safetensors")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_run_that_can_be_resumed_and_does_not_look_whole(tmp_path, signum):
    (tmp_path / "net.yaml").write_text(GOOD)
    command = [sys.executable, "-m", "blockrun", "train", "net.yaml", "train.epochs=200"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("runs/net/*/metrics.jsonl")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signum)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signum
    assert out == ""
    assert "the checkpoint is written" in err
    assert "blockrun resume runs/net/" in err
    assert "Traceback" not in err
    (info,) = tmp_path.glob("runs/net/*/run.json")
    assert '"status": "interrupted"' in info.read_text()
    assert "this run is interrupted" in blockrun("eval", "latest", cwd=tmp_path).stderr
