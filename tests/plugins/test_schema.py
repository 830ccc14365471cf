"""The JSON Schema for editors agrees with our own verdict, as a validator that is not ours reads it."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.host import load_host
from blockrun.plugins.network.data import DATA_SETTINGS, PART_KEYS, PARTS
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.scan import read_document
from blockrun.plugins.network.settings import TOP
from blockrun.plugins.network.training import KEYS
from blockrun.plugins.schema import schema

ROOT = Path(__file__).parents[2]
HOST = load_host(entry_points=False)
SCHEMA = schema(HOST)
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
NET = {"blockrun": 1, "inputs": {"x": [3]}, "net": {"a": {"block": "linear", "units": 4}}}
# What a schema can know of one file: kinds of values, keys, names of components, what must be given.
SEEN = ("E004", "E005", "E009", "E010", "E011", "E012", "E050", "E060", "E061")
MORE = {  # files of these codes that are wrong in a way that no schema can say
    "E004_constant.yaml", "E005_overrides.yaml", "E011_groups.yaml", "E011_values_from_elsewhere.yaml",
    "E011_init_of_another_shape.yaml", "E005_globs.yaml", "E012_node_as_argument.yaml",
}  # fmt: skip


def seen():
    """The files that we refuse for something that a schema can see."""
    for file in sorted((ROOT / "tests" / "plugins" / "network" / "bad").glob("E0*.yaml")):
        if file.name.startswith(SEEN) and file.name not in MORE and is_yaml(file):
            yield file


def is_yaml(file):
    try:
        read_document(file)
    except ConfigError:
        return False
    return True


def with_node(**keys):
    return {**NET, "net": {"a": keys}}


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_network_that_ships_is_valid(file):
    assert [error.message for error in VALIDATOR.iter_errors(read_document(file).data)] == []


@pytest.mark.parametrize("file", list(seen()), ids=lambda file: file.stem)
def test_what_we_refuse_and_a_schema_can_see_is_not_valid(file):
    assert not VALIDATOR.is_valid(read_document(file).data)


def test_sections_and_keys_are_those_of_the_reader():
    assert set(SCHEMA["properties"]["data"]["properties"]) == {*PARTS, *DATA_SETTINGS}
    assert set(SCHEMA["properties"]) == set(TOP)
    assert set(SCHEMA["definitions"]["train"]["allOf"][0]["properties"]) == set(KEYS)


@pytest.mark.parametrize(
    ("take", "good"),
    [
        ([0, 0.8], True),
        ({"fraction": [0, "$cut"], "group": "writer", "seed": 3}, True),
        ({"group": "writer"}, False),
        ({"fraction": [0, 1], "by": "writer"}, False),
        ([0, 2], False),
    ],
    ids=str,
)
def test_a_part_of_the_data_is_as_the_reader_takes_it(take, good):
    assert VALIDATOR.is_valid({**NET, "data": {"train": {"source": "digits", "take": take}}}) is good


@pytest.mark.parametrize(
    ("transforms", "good"),
    [
        (["normalise", {"transform": "crop", "pad": 4, "on": "image"}, {"transform": "flip", "on": ["a", "b"]}], True),
        (["rotate"], False),
        ([{"transform": "crop", "padding": 4}], False),
        ("normalise", False),
    ],
    ids=str,
)
def test_transforms_are_as_the_reader_takes_them(transforms, good):
    assert VALIDATOR.is_valid({**NET, "data": {"train": "digits", "transforms": transforms}}) is good


def test_the_keys_of_a_part_are_those_of_the_reader():
    for rule in SCHEMA["definitions"]["part"]["anyOf"][1]["allOf"][2:]:
        assert set(PART_KEYS) <= set(rule["then"]["properties"])


@pytest.mark.parametrize(
    "node",
    [
        {"block": "linear", "units": 4, "in": ["x"], "freeze": True, "init": {"W": "he"}, "when": "train"},
        {"block": "linear", "units": "$width", "repeat": {"times": 3, "share": True}},
        {"block": "linear", "units": "${2 * width}", "repeat": "$n"},
        {"block": "conv2d", "channels": 4, "kernel": [3, "$k"], "pad": "same"},
        {"use": "cell", "anything": 3, "in": {"x": "a"}},
        {"block": "someone/linear", "whatever": 1},
    ],
    ids=str,
)
def test_what_the_language_has_is_valid(node):
    assert VALIDATOR.is_valid(with_node(**node))


@pytest.mark.parametrize(
    "node",
    [
        {"block": "linear"},
        {"block": "linear", "units": 0},
        {"block": "linear", "units": 4, "unit": 5},
        {"block": "linaer", "units": 4},
        {"block": "conv2d", "channels": 4, "kernel": [3, 3, 3]},
        {"block": "relu", "when": "sometimes"},
        {"units": 4},
    ],
    ids=str,
)
def test_what_it_has_not_is_not(node):
    assert not VALIDATOR.is_valid(with_node(**node))


def test_options_are_found_by_the_name_of_the_block_with_their_descriptions():
    """The if/then form, from which yaml-language-server completes."""
    rules = SCHEMA["definitions"]["node"]["else"]["anyOf"][1]["allOf"]
    [linear] = [r for r in rules if r.get("if", {}).get("properties", {}).get("block", {}).get("const") == "linear"]
    assert linear["then"]["properties"]["units"]["description"] == "an integer, at least 1"
    assert linear["then"]["required"] == ["units"]


def test_the_command_writes_it_with_the_blocks_of_a_local_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from blockrun.core import Block\n\n\nclass Mine(Block):\n    size: int\n\n"
        "    def forward(self, ctx, x):\n        return x, None\n"
    )
    done = CliRunner().invoke(main, ["schema", "--local", "mine.py", "-o", "s.json"])
    assert done.exit_code == 0
    found = jsonschema.Draft7Validator(json.loads(Path("s.json").read_text()))
    assert found.is_valid(with_node(block="mine", size=3))
    assert not found.is_valid(with_node(block="mine", size="three"))
