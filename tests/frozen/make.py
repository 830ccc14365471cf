"""`python -m tests.frozen.make`: a small run of this version, to be kept for as long as there are later ones."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from blockrun import __version__
from blockrun.plugins.network import load
from blockrun.plugins.training.run import train

HERE = Path(__file__).parent
NETWORK = """\
blockrun: 1
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  flat: flatten
  fc: {block: linear, units: 6}
  norm: batch_norm
  act: relu
  drop: {block: dropout, p: 0.2}
  logits: {block: linear, units: $data.classes}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
metrics: {accuracy: {block: accuracy, in: [logits, label]}}
data: {train: {source: digits, split: train, batch: 500}, val: {source: digits, split: val}}
train:
  epochs: 2
  average: 0.9
  optimizer: {name: adam, lr: {name: plateau, peak: 0.01, patience: 1}, groups: [{match: "*.b", decay: 0}]}
callbacks: {best: keep_best, stop: {callback: early_stop, patience: 5}}
"""


def main() -> int:
    """Train, and keep the folder without what is of the moment; refuses to replace what is there."""
    target = HERE / __version__
    if target.exists():
        print(f"{target} is there already; what is frozen stays as it is", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frozen.yaml"
        file.write_text(NETWORK)
        run = train(load(file, f"run.dir={folder}"))
        shutil.copytree(run.folder.path, target, ignore=shutil.ignore_patterns("lock", "times.jsonl", "*.previous.*"))
    info = json.loads((target / "run.json").read_text()) | {"folder": ".", "overrides": []}
    (target / "run.json").write_text(json.dumps(info, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
