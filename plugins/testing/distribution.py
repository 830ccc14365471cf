"""The blocks of one distribution as tests, for the `pytest` of a plugin project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from blockrun.plugins.errors import PluginError, UserError
from blockrun.plugins.host import Host, load_host
from blockrun.plugins.loading import canonical

if TYPE_CHECKING:
    from blockrun.core import Block


def suite(distribution: str) -> Callable[[str], None]:
    """A test of every block that `distribution` offers, one case for each:

        test_blocks = suite("blockrun-swish")

    Raises `PluginError` if it is not installed, cannot be loaded or offers no block.
    """
    import pytest

    host = load_host()

    @pytest.mark.parametrize("name", blocks_of(host, distribution))
    def test_block_keeps_its_promises(name: str) -> None:
        failure = failure_of(host, name)
        if failure:
            pytest.fail(failure, pytrace=False)

    return test_block_keeps_its_promises


def blocks_of(host: Host, distribution: str) -> list[str]:
    """The names of the blocks that `distribution` offers; raises `PluginError` if there are none, and says why."""
    wanted = canonical(distribution)
    rows = [row for row in host.rows() if canonical(row.distribution) == wanted]
    failed = next((row for row in rows if row.status != "ok"), None)
    if not rows:
        help = "install it: `pip install -e .`"
        raise PluginError(f"{distribution} is not installed, or has no entry point of the group `blockrun`", help)
    if failed is not None:
        raise PluginError(f"{failed} cannot be used: {failed.failure}")
    offers = host.offers("blocks").items()
    found = sorted(name for name, offer in offers if canonical(offer.plugin.distribution) == wanted)
    if not found:
        raise PluginError(f"{distribution} offers no block", help="add the hook `blockrun_blocks`")
    return found


def failure_of(host: Host, name: str) -> str:
    """What is wrong with the block `name`, in full; "" if nothing."""
    from .kit import check_block

    try:
        cls: type[Block] = host.find("blocks", name)
    except UserError as error:
        return f"{error.message}\n{error.help}".strip()
    report = check_block(cls, name=name)
    return "" if report.ok else f"{name} fails its checks\n{report}"
