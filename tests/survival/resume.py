"""Stopped at any step and resumed equals uninterrupted: the same checkpoint and the same metrics, byte for byte."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.training.folder import RunFolder, find_folder
from blockrun.plugins.training.interrupt import Interrupted
from blockrun.plugins.training.progress import Progress
from blockrun.plugins.training.run import resume, train

HOST = load_host(entry_points=False)
OPTIMIZERS = HOST.names("optimizers")
NETWORK = """\
blockrun: 1
inputs: {{x: [5], label: {{shape: [], dtype: int64}}}}
net:
  fc: {{block: linear, units: {units}}}
{more}
  act: tanh
  logits: {{block: linear, units: 3}}
  loss: {{block: softmax_cross_entropy, in: [logits, label]}}
metrics: {{accuracy: {{block: accuracy, in: [logits, label]}}}}
data:
  transforms: {transforms}
  workers: {workers}
  train: {{source: npz, path: data.npz, rows: [0, 44], batch: 8}}
  val: {{source: npz, path: data.npz, rows: [44, 60], batch: 5}}
train: {{steps: {steps}, optimizer: {{name: {optimizer}, {options}}}, {train}}}
"""
NORM, DROP = "  norm: batch_norm", "  drop: {block: dropout, p: 0.4}"
DECAY = 'groups: [{match: "*.b", lr_factor: 2}, {match: "norm.*", l1: 1e-4}]'
PLATEAU = "lr: {name: plateau, peak: 0.05, factor: 0.5, patience: 1, cooldown: 1}"

AUGMENT = "[{transform: mixup, classes: 3, alpha: 1}, normalise, {transform: flip, axis: 1}]"

# name: (nodes, of the optimizer, of the training); epochs are of 6 batches, the last of 4 examples
FEATURES = {
    "plain": ("", "lr: {name: cosine, peak: 0.03, warmup: 3}", "evaluate: {epochs: 1}"),
    "dropout": (DROP, "l1: 1e-4", "evaluate: {steps: 5}"),
    "batch_norm": (NORM, DECAY, "evaluate: {epochs: 2}"),
    "accumulate": (DROP, "lr: 0.01", "accumulate: 3"),
    "settle": (f"{NORM}\n{DROP}", "lr: 0.01", "accumulate: {pieces: 3, settle: true}, evaluate: {steps: 4}"),
    "parallel": (f"{NORM}\n{DROP}", "lr: 0.01", "parallel: 2"),
    "average": (NORM, "lr: 0.01", "average: 0.9"),
    "clip": ("", PLATEAU, "clip: {norm: 0.5}"),
    "augment": ("", "lr: 0.01", "evaluate: {steps: 4}"),
    "all": (f"{NORM}\n{DROP}", f"{PLATEAU}, {DECAY}", "accumulate: {pieces: 2, settle: true}, clip: {value: 0.1}, "
            "average: 0.95, evaluate: {steps: 3}"),
}  # fmt: skip


class Killed(BaseException):
    """Stands for the end of a process that nobody told."""


class StopAt(Progress):
    """Ends training after a step: by a signal, or at once and without a checkpoint."""

    def __init__(self, step: int, killed: bool) -> None:
        self.at, self.killed = step, killed

    def step(self, trainer: Any, examples: int) -> None:
        if trainer.step == self.at:
            if self.killed:
                raise Killed
            os.kill(os.getpid(), signal.SIGINT)


def write_data(folder: Path) -> None:
    """Sixty examples of three classes."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 60)
    np.savez(folder / "data.npz", x=rng.standard_normal((60, 5)) + label[:, None], label=label)


def write_network(folder: Path, optimizer: str, features: str, steps: int, units: int = 7) -> Path:
    more, options, train = FEATURES[features]
    file = folder / f"{optimizer}_{features}.yaml"
    said = {"optimizer": optimizer, "options": options, "more": more, "train": train, "steps": steps, "units": units}
    transforms = AUGMENT if features in ("augment", "all") else "[]"
    workers = {"plain": 0, "augment": 3}.get(features, 1)
    file.write_text(NETWORK.format(**said, transforms=transforms, workers=workers))
    return file


def run_whole(file: Path, root: Path) -> RunFolder:
    return train(load(file, f"run.dir={root}", host=HOST)).folder


def run_stopped(file: Path, root: Path, step: int, killed: bool) -> RunFolder:
    """The run of `file`, stopped after `step` and resumed to its end."""
    with suppress(Interrupted, Killed):
        train(load(file, f"run.dir={root}", host=HOST), StopAt(step, killed))
    folder = find_folder("latest", root)
    if folder.info["status"] != "finished":
        resume(folder, HOST)
    return find_folder("latest", root)


def digests(folder: RunFolder) -> dict[str, str]:
    """Of the last checkpoint, which holds parameters, state of the optimizer, averages and counters; of the metrics."""
    files = (folder.checkpoints / "last.safetensors", folder.metrics)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files} | {
        "results": str(folder.info["results"])
    }


def compare(folder: Path, optimizer: str, features: str, steps: int, stops: range) -> Iterator[tuple[str, bool]]:
    """For each of `stops`, by signal and by kill: what it was, and whether it came to the same bytes."""
    file = write_network(folder, optimizer, features, steps)
    expected = digests(run_whole(file, folder / "whole"))
    for step in stops:
        for killed in (False, True):
            root = folder / f"{optimizer}_{features}_{step}_{killed}"
            found = digests(run_stopped(file, root, step, killed))
            yield f"{optimizer}, {features}, {'killed' if killed else 'stopped'} at step {step}", found == expected
