"""The small network on the digits that several files of tests train."""

import pytest

NETWORK = """\
blockrun: 1
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  flat: flatten
  fc: {block: linear, units: 12}
  norm: batch_norm
  act: relu
  drop: {block: dropout, p: 0.3}
  logits: {block: linear, units: $data.classes}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
metrics: {accuracy: {block: accuracy, in: [logits, label]}}
data:
  train: {source: digits, split: train, batch: 300}
  val: {source: digits, split: val, batch: 100}
train: {epochs: 2, optimizer: {name: adam, lr: {name: cosine, peak: 1e-2}}}
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(NETWORK)
    return file
