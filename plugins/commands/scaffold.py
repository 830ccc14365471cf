"""What `blockrun new` writes: a block that passes its checks, and a project that holds one, ready to be changed."""

from __future__ import annotations

from string import Template

BLOCK = '''\
"""The block `$block`."""

import numpy as np

from blockrun.core import Block


class $cls(Block):
    """y = scale · x tanh x.      x (...) → y (...)

    ∂J/∂x = δ_y scale (tanh x + x (1 − tanh² x)).
    """

    scale: float = 1.0  # an option: `$block: {block: $block, scale: 2}` in a network file
    batchwise = True  # every example by itself, so that a batch may be cut into pieces

    def forward(self, ctx, x):
        t = np.tanh(x)
        y = self.scale * x * t
        return y, (x, t)  # the output, and whatever backward needs; keep nothing on self

    def backward(self, ctx, saved, dy):  # dy: the gradient of the objective with respect to y
        x, t = saved
        dx = dy * self.scale * (t + x * (1 - t * t))
        return dx  # one gradient for each input of forward, in that order
'''

PACKAGE = '''\
"""What $distribution offers to blockrun."""

from blockrun.plugins import hookimpl


@hookimpl
def blockrun_blocks():
    return {"$block": "$package.$block:$cls"}
'''

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$distribution"
version = "0.1.0"
description = "The block `$block` for blockrun"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["blockrun"]

[project.optional-dependencies]
test = ["pytest>=8"]

[project.entry-points.blockrun]
$entry = "$package"

[tool.setuptools]
packages = ["$package"]

[tool.setuptools.package-data]
$package = ["blockrun-certificate.json"]

[tool.pytest.ini_options]
testpaths = ["pyproject.toml", "tests"]  # the gradient check of every block above, then tests of your own
"""

NETWORK = """\
# Handwritten digits with the block `$block`.
blockrun: 1
plugins: {require: [$distribution]}
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  flat:   flatten
  fc1:    {block: linear, units: 32}
  act1:   $block
  logits: {block: linear, units: $$data.classes}
  loss:   {block: softmax_cross_entropy, in: [logits, label]}
metrics: {accuracy: {block: accuracy, in: [logits, label]}}
data:
  train: {source: digits, split: train, batch: 64}
  test:  {source: digits, split: test, batch: 256}
train:
  minimize: loss
  epochs: 5
  optimizer: {name: adam, lr: 3e-3}
"""

TESTS = '''\
"""Tests of what the gradient check cannot know: what the block should compute."""

from pathlib import Path

import blockrun
import numpy as np

NETWORK = Path(__file__).parents[1] / "$block.yaml"


def test_the_block_takes_its_place_in_a_network():
    network = blockrun.load(NETWORK)
    outputs = network.forward({"image": np.zeros((2, 8, 8, 1), np.float32)}, keep=["logits"])
    assert outputs["logits"].shape == (2, 10)
'''

README = """\
# $distribution

The block `$block` for blockrun.

```
pip install -e .                 # then blockrun knows the block
blockrun test $block
blockrun train $block.yaml
pytest                           # the gradient check of every block, and tests/
```

- `$package/$block.py`: the block; change `forward` and `backward`
- `$package/__init__.py`: what the package offers; name further blocks there
- `$block.yaml`: a network with it

A certificate of the check travels with the package and is shown by `blockrun blocks $block`:

```
blockrun test '$distribution/*' --certificate $package/blockrun-certificate.json
```
"""


def block_file(block: str, cls: str) -> str:
    """The source of a file with one block."""
    return Template(BLOCK).substitute(block=block, cls=cls)


def plugin_files(distribution: str, package: str, block: str, cls: str) -> dict[str, str]:
    """The files of a plugin project, by their paths in it."""
    entry = package.removeprefix("blockrun_")
    names = {"distribution": distribution, "package": package, "block": block, "cls": cls, "entry": entry}
    files = {
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        f"{package}/__init__.py": PACKAGE,
        f"{package}/{block}.py": BLOCK,
        f"{block}.yaml": NETWORK,
        f"tests/test_{block}.py": TESTS,
    }
    return {path: Template(text).substitute(names) for path, text in files.items()}
