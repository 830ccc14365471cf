"""Every block that is registered, ours and those of plugins that happen to be installed, passes the kit."""

from __future__ import annotations

import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.testing import check_block

HOST = load_host()


@pytest.mark.parametrize("name", HOST.names("blocks"))
def test_block_keeps_its_promises(name: str) -> None:
    report = check_block(HOST.find("blocks", name), name=name)
    assert report.ok, f"{name}\n{report}"
