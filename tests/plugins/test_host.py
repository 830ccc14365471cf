"""The plugin host: a broken plugin never costs more than itself, and a name always means the same thing."""

from __future__ import annotations

import re
import string
import sys
from pathlib import Path

import pytest

from blockrun.plugins.errors import PluginError, UsageError
from blockrun.plugins.host import Host, UnknownName, load_host
from blockrun.plugins.offers import KINDS, Plugin

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.txt"))

WAVE = """
from blockrun.core import Block
from blockrun.plugins import hookimpl

class Wave(Block):
    def forward(self, ctx, x):
        return x, None

@hookimpl
def blockrun_blocks():
    return [Wave]
"""

CAUSES = {
    "block_without_forward": "TypeError: Half has no `forward(self, ctx, ...)`; a block must have one",
    "exits_on_import": "SystemExit: this plugin needs another operating system",
    "half_registered": "LookupError: no optimizer today",
    "missing_dependency": "ModuleNotFoundError: No module named 'a_package_that_nobody_has'",
    "misspelt_hook": "blockrun_block is no hook of blockrun; did you mean `blockrun_blocks`?",
    "not_a_block": "blockrun_blocks offers block `wanted`, which is the class Wanted, not a class derived from Block",
    "raises_base_exception": "Panic: out of the ordinary",
    "raises_on_import": "RuntimeError: no licence found",
    "returns_no_list": "blockrun_blocks returned a value of type str; it must be a list of classes or a dict",
    "syntax_error": "SyntaxError: expected ':'",
}
LINES = {  # of the plugin's own file, counted by hand; a hook with a wrong result is shown where its `def` begins
    "block_without_forward": 4,
    "exits_on_import": 3,
    "half_registered": 11,
    "missing_dependency": 1,
    "misspelt_hook": 4,
    "not_a_block": 9,
    "raises_base_exception": 5,
    "raises_on_import": 2,
    "returns_no_list": 4,
    "syntax_error": 5,
}


def row(host: Host, name: str) -> Plugin:
    return next(plugin for plugin in host.rows() if plugin.name == name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_first_party_name_leads_to_a_component_of_that_name(kind):
    host = load_host(entry_points=False)
    for name in host.names(kind):
        found = host.find(kind, name)
        assert (found.stem if kind == "templates" else getattr(found, "name", name)) == name


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_broken_plugin_is_a_row_with_its_cause_and_its_line_and_costs_nothing_else(file, site):
    module = site.add(f"acme-{file.stem}", file.read_text(), name=file.stem, version="2.3")
    host = load_host()
    plugin = row(host, file.stem)
    assert (plugin.status, plugin.distribution, plugin.version) == ("failed", f"acme-{file.stem}", "2.3")
    assert plugin.error == CAUSES[file.stem]
    assert plugin.where == f"{module}:{LINES[file.stem]}"
    assert plugin.offers == {}
    assert "wanted" not in host.names("blocks")
    assert host.find("blocks", "linear").name == "linear"


def test_ten_broken_plugins_together_leave_a_good_one_working(site):
    assert len(BROKEN) == 10
    for file in BROKEN:
        site.add(f"acme-{file.stem}", file.read_text())
    site.add("zeta-wave", WAVE)
    host = load_host()
    assert sum(plugin.status == "failed" for plugin in host.rows()) == 10
    assert host.find("blocks", "wave").__module__ == "zeta_wave"
    assert host.provider("blocks", "wave") == "zeta-wave 1.0"
    assert host.provider("blocks", "linear").startswith("blockrun ")


def test_a_name_that_a_failed_plugin_may_offer_is_an_error_that_says_so(site):
    site.add("acme-panic", "raise RuntimeError('no licence')")
    with pytest.raises(PluginError, match=r"`wanted`; acme-panic 1.0, which failed to load, .*no licence") as caught:
        load_host().find("blocks", "wanted")
    assert caught.value.exit_code == 3
    assert "--no-plugin acme-panic" in caught.value.help
    with pytest.raises(UnknownName):
        load_host(disable=["acme-panic"]).find("blocks", "wanted")


def test_ctrl_c_during_a_slow_import_still_stops_the_program(site):
    site.add("acme-slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_host()


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("x = 1", "it implements no hook; `acme_odd` has no blockrun_* function"),
        ("def blockrun_blocks(): return []", "blockrun_blocks is not marked with @hookimpl"),
        ("@hookimpl\ndef blockrun_blocks(): return None", "blockrun_blocks returned a value of type NoneType"),
        ("@hookimpl\ndef blockrun_blocks(): return {'a/b': 'm:C'}", "blockrun_blocks offers the name 'a/b'"),
        ("@hookimpl\ndef blockrun_blocks(): return {'a': 'm.C'}", 'block `a`, which is "m.C"; a string must read'),
        ("@hookimpl\ndef blockrun_blocks(): return ['m:C']", 'lists the string "m:C"; a dict gives it a name'),
        ("@hookimpl\ndef blockrun_blocks(more): return []", "PluginValidationError"),
        ("@hookimpl(wrapper=True)\ndef blockrun_blocks(): return (yield)", "blockrun_blocks is a wrapper"),
        ("@hookimpl\ndef blockrun_commands(): return {'a': print}", "not a click.Command"),
        ("class E(Exception):\n  def __str__(self): raise ValueError\nraise E", "E: its message cannot be shown"),
    ],
)
def test_a_plugin_that_does_not_keep_to_the_hooks_is_told_how(source, cause, site):
    site.add("acme-odd", f"from blockrun.plugins import hookimpl\n{source}\n")
    plugin = row(load_host(), "acme-odd")
    assert plugin.status == "failed"
    assert cause in plugin.error


def test_a_string_that_leads_nowhere_is_found_out_on_use_and_names_the_distribution(site):
    offers = {"gone": "acme_lazy:Gone", "away": "acme_away:Away", "wrong": "collections:OrderedDict"}
    site.add("acme-lazy", f"from blockrun.plugins import hookimpl\n@hookimpl\ndef blockrun_blocks(): return {offers}\n")
    host = load_host()
    assert set(offers) <= set(host.names("blocks"))
    for name, cause in [("gone", "AttributeError"), ("away", "ModuleNotFoundError"), ("wrong", "derived from Block")]:
        with pytest.raises(PluginError, match=f"block `{name}` of acme-lazy 1.0 .*{cause}"):
            host.find("blocks", name)


def test_damaged_metadata_of_one_distribution_do_not_hide_the_others(site):
    (site.add_metadata("acme-torn", "[blockrun]\nno equals sign\n") / "METADATA").unlink()
    (site.add_metadata("acme-bytes", "") / "entry_points.txt").write_bytes(b"[blockrun]\n\xff\xfe = x\n")
    site.add_metadata("acme-void", "[blockrun]\nvoid = \n")
    site.add("zeta-wave", WAVE)
    host = load_host()
    assert "wave" in host.names("blocks")
    assert row(host, "acme_torn").status == "failed"
    assert row(host, "acme_torn").version == "1.0"
    assert row(host, "void").status == "failed"


def test_entry_points_of_one_name_in_two_distributions_both_load(site):
    site.add("acme-a", WAVE.replace("Wave", "Wave1"), name="extra")
    site.add("acme-b", WAVE.replace("Wave", "Wave2"), name="extra")
    assert {"wave1", "wave2"} <= set(load_host().names("blocks"))


def test_a_name_that_two_distributions_offer_must_say_which(site):
    site.add("acme", WAVE, version="1.0")
    site.add("zeta", WAVE, version="2.0")
    host = load_host()
    with pytest.raises(PluginError, match=r"block `wave` is offered by acme 1.0 and zeta 2.0") as caught:
        host.find("blocks", "wave")
    assert caught.value.help == "write `acme/wave` or `zeta/wave`"
    assert host.find("blocks", "acme/wave").__module__ == "acme"
    assert host.find("blocks", "ZETA/wave").__module__ == "zeta"
    assert {"acme/wave", "zeta/wave"} <= set(host.names("blocks"))
    assert "wave" not in host.names("blocks")
    assert "write `acme/wave` for this one" in row(host, "acme").notes[0]


def test_a_first_party_name_cannot_be_taken(site):
    site.add("acme", WAVE.replace("Wave", "Linear"))
    host = load_host()
    assert host.find("blocks", "linear").__module__ == "blockrun.blocks.linear.products"
    assert host.find("blocks", "blockrun/linear") is host.find("blocks", "linear")
    assert host.find("blocks", "acme/linear").__module__ == "acme"
    assert row(host, "acme").notes == [
        f"block `linear` is also offered by {host.provider('blocks', 'linear')}; write `acme/linear` for this one"
    ]


def test_the_order_of_installation_changes_nothing(site, second_site, monkeypatch):
    site.add("zeta", WAVE)
    second_site.add("acme", WAVE)
    second_site.add("broken", "1 / 0")

    def state() -> list[object]:
        host = load_host()
        return [host.names("blocks"), [(p.name, p.status, p.error, p.notes) for p in host.rows()]]

    before = state()
    monkeypatch.setattr(sys, "path", [str(site.folder), *(p for p in sys.path if p != str(site.folder))])
    assert state() == before


def test_plugins_can_be_left_out_and_allowed_by_name_or_distribution(site):
    site.add("acme-wave", WAVE, name="wave")
    site.add("zeta-relu", WAVE.replace("Wave", "Relu6"), name="relu6")
    for name in ("wave", "acme-wave", "Acme_Wave", "acme-wave/wave"):
        host = load_host(disable=[name])
        assert row(host, "wave").status == "disabled"
        assert "relu6" in host.names("blocks")
    host = load_host(only=["wave"])
    assert "wave" in host.names("blocks")
    assert "linear" in host.names("blocks")
    assert row(host, "relu6").error == "not in BLOCKRUN_PLUGINS"
    with pytest.raises(UnknownName) as caught:
        host.find("blocks", "relu6x")
    assert re.search(r"left out: .*relu6", caught.value.help)  # and whatever else is installed


def test_a_plugin_that_is_left_out_is_not_imported(site):
    site.add("acme-wave", WAVE)
    load_host(disable=["acme-wave"])
    assert "acme_wave" not in sys.modules


def test_a_mistyped_plugin_name_shows_as_missing_and_the_first_party_cannot_be_left_out():
    assert row(load_host(only=["swihs"]), "swihs").status == "missing"
    with pytest.raises(UsageError, match="first-party"):
        load_host(disable=["blockrun"])


def test_what_a_plugin_prints_on_import_stays_off_standard_output(site, capsys):
    site.add("acme-loud", "print('hello')\n" + WAVE)
    load_host()
    assert capsys.readouterr() == ("", "hello\n")


def test_hosts_do_not_share_what_they_loaded(tmp_path):
    (tmp_path / "mine.py").write_text(WAVE)
    assert "wave" in load_host(local=[tmp_path / "mine.py"]).names("blocks")
    assert "wave" not in load_host().names("blocks")


def one_edit(word: str) -> set[str]:
    """Every deletion, swap of neighbours, substitution and insertion, as in Norvig's spelling corrector."""
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    letters = string.ascii_lowercase + "_"
    edits = {a + b[1:] for a, b in splits if b} | {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    edits |= {a + c + b[1:] for a, b in splits if b for c in letters} | {a + c + b for a, b in splits for c in letters}
    return edits - {word}


def test_a_typing_error_of_one_letter_is_met_with_the_right_suggestion():
    known = load_host(entry_points=False).names("blocks")
    typos = [(word, typo) for word in known for typo in sorted(one_edit(word))[::7] if typo and typo not in known]
    right = sum(UnknownName("blocks", typo, known).suggestion == word for word, typo in typos)
    assert right >= 0.95 * len(typos)


def test_a_suggestion_is_found_from_the_class_name_too():
    known = load_host(entry_points=False).names("blocks")
    error = UnknownName("blocks", "MaxPool2D", known)
    assert (error.suggestion, error.exit_code) == ("max_pool2d", 2)
    assert UnknownName("blocks", "qqqqqqqq", known).suggestion is None


def test_a_local_file_with_just_a_class_is_a_plugin(tmp_path):
    file = tmp_path / "my-blocks.py"
    file.write_text("from __future__ import annotations\n" + WAVE.split("@hookimpl")[0].replace("Wave", "Mine"))
    host = load_host(local=[file])
    assert host.find("blocks", "mine").name == "mine"
    assert host.provider("blocks", "mine") == str(file)
    assert host.find("blocks", "my-blocks/mine") is host.find("blocks", "mine")


def test_a_local_file_with_hooks_offers_what_they_return(tmp_path):
    (tmp_path / "mine.py").write_text(WAVE.replace("[Wave]", "{'other_name': Wave}"))
    host = load_host(local=[tmp_path / "mine.py"])
    assert "other_name" in host.names("blocks")
    assert "wave" not in host.names("blocks")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("\n\nimport a_package_that_nobody_has", r"ModuleNotFoundError: .* \(.*mine.py:3\)"),
        ("def f(:", r"SyntaxError: .* \(.*mine.py:1\)"),
        ("x = 1", "it defines no block"),
        (None, "there is no such Python file"),
    ],
)
def test_a_broken_local_file_is_an_error_with_its_line(source, cause, tmp_path):
    file = tmp_path / "mine.py"
    if source is not None:
        file.write_text(source)
    with pytest.raises(PluginError, match=f"local plugin {file} cannot be loaded: {cause}"):
        load_host(local=[file])
