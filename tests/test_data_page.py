"""The page on data: every network on it trains, on files such as it speaks of, and is measured."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blockrun.plugins.data.arrays import Arrays
from blockrun.plugins.data.transformed import Epoch, Step, Transformed, Transforms
from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.training.run import train

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
NETWORKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def write_files(text, folder):
    """The files that a network of the page reads, with something in them."""
    rng = np.random.default_rng(0)
    if "source: cifar" in text:
        (folder / "cifar-10-batches-bin").mkdir()
        for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
            records = rng.integers(0, 10, (30, 3073), dtype=np.uint8)
            (folder / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(records.tobytes())
    if "source: image_folder" in text:
        pillow = pytest.importorskip("PIL.Image")
        for i in range(20):
            file = folder / "flowers" / f"class{i % 2}" / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pillow.fromarray(rng.integers(0, 256, (20, 18, 3), dtype=np.uint8)).save(file)
    if "path: moves.csv" in text:
        rows = [",".join([*map(str, rng.standard_normal(n)), "left" if n % 2 else "right"]) for n in range(1, 15)]
        (folder / "moves.csv").write_text("\n".join(rows))
    if "source: ts" in text:
        for part in ("TRAIN", "TEST"):
            rows = [f"{','.join(map(str, rng.standard_normal(24)))}:{1 + i % 2}" for i in range(10)]
            head = "@univariate true\n@classLabel true 1 2\n@data\n"
            (folder / f"ItalyPowerDemand_{part}.ts").write_text(head + "\n".join(rows))
    if "source: ragged" in text:
        walks = [rng.standard_normal((n, 3)) for n in range(20)]
        lengths = [len(walk) for walk in walks]
        np.savez(folder / "walks.npz", values=np.concatenate(walks), lengths=lengths, label=np.arange(20) % 2)


@pytest.mark.parametrize("text", NETWORKS, ids=range(len(NETWORKS)))
def test_a_network_of_the_page_trains_and_is_measured(text, tmp_path):
    write_files(text, tmp_path)
    (tmp_path / "net.yaml").write_text(text)
    run = train(load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}"))
    assert all(math.isfinite(value) for value in run.results.values())


def test_the_page_names_every_transform():
    assert set(load_host(entry_points=False).names("transforms")) <= set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))


def test_the_program_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(
        "blockrun: 1\ninputs: {x: [3], label: {shape: [], dtype: int64}}\n"
        "net:\n  scores: {block: linear, units: 2, in: x}\n"
        "  loss: {block: softmax_cross_entropy, in: [scores, label]}\n"
        "train: {steps: 2, optimizer: sgd}\n"
    )
    (program,) = (text for text in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if "net.fit" in text)
    x, label = np.zeros((8, 3)), np.arange(8) % 2
    names = {"x": x, "label": label, "x_val": x, "label_val": label}
    exec(program, names)
    assert names["run"].part == "val"


def test_the_transform_of_the_page_does_what_the_page_says():
    (program,) = (text for text in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if "Brightness" in text)
    names: dict[str, Any] = {}
    exec(program, names)
    x = np.ones((5, 2, 2, 1), np.float32)
    step = Step(names["Brightness"](by=0.5), ("x",))
    transformed = Transformed(Arrays("train", {"x": x}), Transforms([step], None))
    np.testing.assert_array_equal(transformed.read(np.arange(5))["x"], x)
    found = transformed.draw(Epoch(0, 0, np.arange(5)), 0, 5)["x"]
    assert found.dtype == np.float32
    assert ((found >= 0.5) & (found <= 1.5)).all()
    assert len(set(found[:, 0, 0, 0])) == 5
