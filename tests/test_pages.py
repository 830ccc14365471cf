"""The pages on blocks: every network in them runs and gives gradients that are right, and no block is left out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network.build import load
from blockrun.plugins.network.draw import draw_inputs
from blockrun.plugins.testing.network import check_network

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {  # and the families that each is about
    "losses": ("loss", "metric"),
    "formulas": ("arithmetic", "linear"),
    "shapes": ("structure", "normalisation"),
    "activations": ("activation", "noise"),
    "images": ("convolution", "pooling"),
    "sequences": ("recurrent", "attention"),
}
IN_CONFIGS = {"sum_of_squares"}  # which configs/ uses
NO_DERIVATIVE = {"stop_gradient"}  # after which the gradient of a network is not the derivative of its loss, on purpose


def networks(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{page}-{i}") for page in PAGES for i, text in enumerate(networks(page))]
)
def test_a_network_of_a_page_runs_and_its_gradients_are_right(text, tmp_path):
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


@pytest.mark.parametrize("page", PAGES)
def test_a_page_uses_every_block_of_its_families(page):
    host = load_host(entry_points=False)
    families = tuple(f"blockrun.blocks.{family}." for family in PAGES[page])
    known = {name for name, offer in host.offers("blocks").items() if offer.module.startswith(families)}
    used = set(re.findall(r"(?:block|^  \w+): +(\w+)", "".join(networks(page)), re.MULTILINE))
    assert known - used - IN_CONFIGS - NO_DERIVATIVE == set()
