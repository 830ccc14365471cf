"""The page on training: its networks train, and everything that is offered is on it."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.training.loop import Trainer
from blockrun.plugins.training.session import Session

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
NETWORKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HOST = load_host(entry_points=False)


@pytest.mark.parametrize("text", NETWORKS, ids=range(len(NETWORKS)))
def test_a_network_of_the_page_trains(text, tmp_path):
    (tmp_path / "net.yaml").write_text(text)
    trainer = Trainer(load(tmp_path / "net.yaml", host=HOST))
    before = dict(trainer.network.params)
    assert list(islice(trainer.walk(), 3)) == [64, 64, 64]
    assert np.isfinite(trainer.loss)
    assert not any(np.array_equal(before[name], p) for name, p in trainer.network.params.items())


@pytest.mark.parametrize("kind", ["optimizers", "schedules", "inits", "callbacks"])
def test_everything_that_is_offered_is_on_the_page(kind):
    named = set(re.findall(r"`(\w+)`", PAGE))
    own = {name for name in HOST.names(kind) if HOST.provider(kind, name).startswith("blockrun ")}
    assert own - named - NOT_SHOWN == set()


NOT_SHOWN = {"parts"}  # of recurrent blocks, for their own parameters


def test_the_callback_on_the_page_is_one(tmp_path):
    """It ends a run whose objective is below its number."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "mine.py").write_text(code)
    text = NETWORKS[1] + "callbacks: {enough: {callback: mine/target, below: 100}}\nplugins: {local: [mine.py]}\n"
    (tmp_path / "net.yaml").write_text(text)
    network = load(tmp_path / "net.yaml")
    session = Session.__new__(Session)
    session.reason = ""
    network.sections.callbacks["enough"].measured(session, {}, {"objective": 2.0})
    assert session.reason == "objective is 2"
