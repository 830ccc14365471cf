"""The page on losses and metrics: every network in it runs, gives gradients that are right, and uses all of both."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.testing.network import check_network

PAGE = (Path(__file__).parents[1] / "docs" / "losses.md").read_text(encoding="utf-8")
NETWORKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", NETWORKS, ids=[f"network-{i}" for i in range(len(NETWORKS))])
def test_a_network_of_the_page_runs_and_its_gradients_are_right(text, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(text)
    assert check_network(load(file, "run.dtype=float64")).ok
    network = load(file)
    feed = draw_inputs(network, examples=8)
    assert all(np.isfinite(dp).all() and dp.any() for dp in network.gradients(feed).values())
    for name, node in network.metrics.items():
        totals = network.forward(feed, keep=node.outputs).values()
        result = np.asarray(node.block.result(*totals))
        assert np.isfinite(result).all(), name


def test_the_page_uses_every_loss_and_every_metric():
    host = load_host(entry_points=False)
    families = [f"blockrun.blocks.{family}." for family in ("loss", "metric")]
    known = {name for name, offer in host.offers("blocks").items() if offer.module.startswith(tuple(families))}
    used = set(re.findall(r"block: (\w+)", "".join(NETWORKS)))
    assert known - used == {"sum_of_squares"}  # which configs/ uses
