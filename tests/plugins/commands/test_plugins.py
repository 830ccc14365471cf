"""`blockrun plugins`: what is installed, what went wrong, and what to do about it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from blockrun.plugins.commands.main import main

GOOD = """
from blockrun.plugins import hookimpl

@hookimpl
def blockrun_blocks():
    return {"linear": "acme_good:Linear", "swish": "acme_good:Swish"}
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_table_has_status_cause_and_remedy(site):
    site.add("acme-good", GOOD)
    file = site.add("zeta", "import nothing_of_this_name", version="0.3")
    text = " ".join(run("plugins").split())
    assert "acme-good acme-good 1.0 ok 2 blocks note: block `linear` is also offered by blockrun" in text
    assert "zeta zeta 0.3 failed cause: ModuleNotFoundError: No module named 'nothing_of_this_name'" in text
    assert f"({file}:1) help: update it (`pip install -U zeta`), or leave it out with `--no-plugin zeta`" in text


def test_json_has_a_row_for_each_with_what_it_offers(site):
    site.add("acme-good", GOOD)
    rows = {row["name"]: row for row in json.loads(run("--no-plugin", "zeta", "plugins", "--json"))}
    assert rows["acme-good"]["offers"] == {"blocks": ["linear", "swish"]}
    assert rows["acme-good"]["status"] == "ok"
    assert "train" in rows["blockrun"]["offers"]["commands"]
    assert rows["zeta"]["status"] == "missing"
