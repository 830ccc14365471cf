"""`blockrun plugins`: what is installed, what went wrong, and what to do about it."""

from __future__ import annotations

import json

import pytest
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


def test_what_is_offered_is_listed_by_kind_and_shown_by_name(site):
    site.add("acme-good", """
from blockrun.plugins import hookimpl
from blockrun.plugins.training.contracts import Init

class Odd(Init):
    '''One number everywhere, an odd one.'''

    value: int = 3

    def __call__(self, rng, shape, fan, dtype):
        raise NotImplementedError

@hookimpl
def blockrun_inits():
    return [Odd]
""")  # fmt: skip
    listed = run("plugins", "inits").splitlines()
    assert any(line.split() == ["odd", "One", "number", "everywhere,", "an", "odd", "one."] for line in listed)
    assert len([line for line in listed if line[0] != " "]) == 15
    [page] = json.loads(run("plugins", "odd", "--json"))
    assert (page["kind"], page["provider"]) == ("initialiser", "acme-good 1.0")
    assert page["options"] == [{"name": "value", "type": "an integer", "required": False, "default": 3}]
    assert "odd    initialiser, from acme-good 1.0" in run("plugins", "odd")


@pytest.mark.parametrize(
    ("name", "help"), [("relu", "blockrun blocks relu"), ("adm", "did you mean `adam`?"), ("init", "`inits`")]
)
def test_a_name_that_is_not_offered_is_refused_with_a_way_on(name, help):
    result = CliRunner().invoke(main, ["plugins", name])
    assert result.exit_code == 2
    assert help in str(result.exception) + result.stderr
