"""The page on data: every network on it trains, on files such as it speaks of, and is measured."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from blockrun.plugins.network.build import load
from blockrun.plugins.training.run import train

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
NETWORKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", NETWORKS, ids=range(len(NETWORKS)))
def test_a_network_of_the_page_trains_and_is_measured(text, tmp_path):
    (tmp_path / "net.yaml").write_text(text)
    run = train(load(tmp_path / "net.yaml", f"run.dir={tmp_path / 'runs'}"))
    assert all(math.isfinite(value) for value in run.results.values())


def test_the_page_names_every_transform():
    from blockrun.plugins.host import load_host

    assert set(load_host(entry_points=False).names("transforms")) <= set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))
