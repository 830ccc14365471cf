"""Overrides: where `key=value` goes, what its value is, and that it is as if it had been in the file."""

from pathlib import Path

import pytest

from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.overrides import apply_overrides
from blockrun.plugins.network.scan import parse_document

FILE = """\
blockrun: 1
vars: {width: 4}
inputs: {image: [8, 8, 1], label: {shape: [], dtype: int64}}
net:
  fc: {block: linear, units: $width}
  act: relu
templates: {layer: {args: {n: 1}, net: {act: dropout}}}
data: {train: digits}
train: {epochs: 1, optimizer: adam}
"""


def overridden(*texts):
    document = parse_document(FILE, "file.yaml")
    apply_overrides(document, texts)
    return document


def at(document, path):
    value = document.data
    for part in path:
        value = value[part]
    return value


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("vars.width=64", ("vars", "width"), 64),
        ("net.fc.units=8", ("net", "fc", "units"), 8),
        ("net.fc.bias=false", ("net", "fc", "bias"), False),
        ("net.fc={block: linear, units: 9}", ("net", "fc"), {"block": "linear", "units": 9}),
        ("run.seed=3", ("run",), {"seed": 3}),
        ("run.name=a=b", ("run", "name"), "a=b"),
        ("run.name='a b'", ("run", "name"), "a b"),
        ('run.name="3"', ("run", "name"), "3"),
        ("run.name=", ("run", "name"), None),
        ("run.name=  # nothing", ("run", "name"), None),
        ("train.optimizer.lr=1e-2", ("train", "optimizer"), {"name": "adam", "lr": 0.01}),
        ("train.optimizer=sgd", ("train", "optimizer"), "sgd"),
        ("net.act.slope=on", ("net", "act"), {"block": "relu", "slope": "on"}),
        ("data.train.batch=32", ("data", "train"), {"source": "digits", "batch": 32}),
        ("inputs.image.0=28", ("inputs", "image"), [28, 8, 1]),
        ("inputs.image.from=picture", ("inputs", "image"), {"shape": [8, 8, 1], "from": "picture"}),
        ("inputs.image=[28, 28, 1]", ("inputs", "image"), [28, 28, 1]),
        ("+net.new={block: relu, in: fc}", ("net", "new"), {"block": "relu", "in": "fc"}),
        ("+vars.depth=3", ("vars", "depth"), 3),
        ("+net.fc.bias=false", ("net", "fc", "bias"), False),
        ("+metrics.accuracy=accuracy", ("metrics",), {"accuracy": "accuracy"}),
        ("+data.val.source=digits", ("data", "val"), {"source": "digits"}),
        ("vars.w*h=9", ("vars", "width"), 9),
        ("data.*.batch=32", ("data", "train"), {"source": "digits", "batch": 32}),
        ("data.tr?in.batch=32", ("data", "train"), {"source": "digits", "batch": 32}),
        ("train.optimizer.lr={name: cosine, peak: 0.1}", ("train", "optimizer", "lr"), {"name": "cosine", "peak": 0.1}),
        ("templates.layer.net.act.p=0.2", ("templates", "layer", "net", "act"), {"block": "dropout", "p": 0.2}),
        ("templates.*.net.*.p=0.2", ("templates", "layer", "net", "act"), {"block": "dropout", "p": 0.2}),
        ("templates.layer.args.n=5", ("templates", "layer", "args", "n"), 5),
        ("net.act.repeat=3", ("net", "act"), {"block": "relu", "repeat": 3}),
    ],
)
def test_an_override_sets_one_value_by_the_rules_of_the_file(text, path, value):
    assert at(overridden(text), path) == value


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("~net.act", ("net",), {"fc": {"block": "linear", "units": "$width"}}),
        ("~net.fc.units", ("net", "fc"), {"block": "linear"}),
        ("~train", (), None),
        ("~inputs.*", ("inputs",), {}),
        ("~inputs.image.0", ("inputs", "image"), [8, 1]),
        ("~net.f*", ("net",), {"act": "relu"}),
    ],
)
def test_what_is_removed_is_gone_with_its_place(text, path, value):
    document = overridden(text)
    assert value is None or at(document, path) == value
    assert ("train" in document.data) == (text != "~train")
    assert (("net", "act") in document.places) == (text != "~net.act")


def test_what_is_added_to_a_net_must_say_what_it_reads():
    document = overridden("+net.new=relu", "+vars.new=3")
    assert document.added == {("net", "new")}


def test_a_repetition_can_be_changed_part_by_part():
    document = overridden("net.act.repeat=3", "net.act.repeat.share=true")
    assert document.data["net"]["act"] == {"block": "relu", "repeat": {"times": 3, "share": True}}


def test_nodes_of_templates_and_globs_wait_until_the_nodes_are_there():
    document = overridden("net.layers/0/fc.units=3", "net.*.p=0.1", "net.fc.units=5")
    assert [override.key.names for override in document.deferred] == [
        ("net", "layers/0/fc", "units"),
        ("net", "*", "p"),
    ]


def test_later_overrides_win_and_all_are_remembered():
    document = overridden("vars.width=1", "vars.width=2")
    assert document.data["vars"] == {"width": 2}
    assert document.overrides == ["vars.width=1", "vars.width=2"]


def test_marks_point_into_the_argument():
    document = overridden("run.name= {a: [b]}")
    assert str(document.place(("run", "name")).key) == "command line:1:5"
    mark = document.place(("run", "name", "a", 0)).value
    assert (str(mark), mark.text[mark.column - 1 :][: mark.length]) == ("command line:1:16", "b")


def test_nothing_of_what_was_replaced_is_pointed_to():
    document = overridden("net.fc=tanh")
    assert document.place(("net", "fc", "units")).value.file == "command line"
    assert document.place(("net", "act")).value.file == "file.yaml"


@pytest.mark.parametrize(
    ("text", "fact", "help"),
    [
        ("net.cf.units=3", "there is no `cf` in `net`", "did you mean `fc`?"),
        ("vars.witdh=3", "there is no `witdh` in `vars`", "did you mean `width`?"),
        ("inputs.sound.dtype=bool", "there is no `sound` in `inputs`", "`inputs` has: image, label"),
        ("data.val.batch=3", "there is no `val` in `data`", "`data` has: train"),
        ("metrics.accuracy=accuracy", "there is no `accuracy` in `metrics`", "the file has no `metrics`"),
        ("inputs.image.3=1", "`inputs.image` is a list of 3, so it has no `3`", "from 0 to 2"),
        ("train.epochs.x=1", "`train.epochs` is 1, so it has no `x`", ""),
        ("train.epochs", "is not an override", "write key=value"),
        ("=3", "is not an override", "write key=value"),
        ("train..epochs=3", "is not an override", "write key=value"),
        ("train.epochs =3", "is not an override", "without spaces"),
        ("+net.new", "is not an override", "write +key=value"),
        ("~net.fc=", "is not an override", "without a value"),
        ("~", "is not an override", "write ~key"),
        ("+net.fc.units=3", "there is a `units` in `net.fc` already", "write net.fc.units=3"),
        ("+net.fc={block: relu}", "there is a `fc` in `net` already", "write net.fc={block: relu}"),
        ("+net.*.bias=false", "what is added needs a name of its own", "without `*`"),
        ("+net.a/b=relu", "what is added needs a name of its own", ""),
        ("~net.cf", "there is no `cf` in `net`", "did you mean `fc`?"),
        ("~net.fc.bias", "there is no `bias` in `net.fc`", "`net.fc` has: block, units"),
        ("~net.a/b", "cannot be removed", "net.a/b.when=false"),
        ("vars.x*=3", "nothing in `vars` matches `x*`", "there are: width"),
        ("inputs.*.shpe*=3", "nothing in `inputs.image` matches `shpe*`", ""),
        ("net.gc=relu", "there is no `gc` in `net`", "did you mean `fc`?"),
        ("net.xyzzy=relu", "there is no `xyzzy` in `net`", "+net.xyzzy=... adds one"),
        ("net.fc.units=[1", "this is not YAML", "close the `[`"),
        ("net.fc.units=1\udcff", "cannot be part of a network file", ""),
    ],
)
def test_what_cannot_be_overridden_is_refused_with_a_way_out(text, fact, help):
    with pytest.raises(ConfigError) as caught:
        overridden(text)
    (diagnostic,) = caught.value.diagnostics
    assert fact in diagnostic.message
    assert help in diagnostic.help
    assert str(diagnostic.mark).startswith("command line:1:")
    caught.value.render().encode()  # can be printed


def test_every_override_that_is_wrong_is_said():
    with pytest.raises(ConfigError) as caught:
        overridden("net.cf.units=3", "vars.width=2", "nothing", "vars.a=1")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E005", "E024", "E005"]


def test_a_doubtful_value_is_kept_for_the_list_of_everything_wrong():
    document = overridden("vars.width=010", "vars.width.x=1")
    assert [diagnostic.code for diagnostic in document.problems] == ["E008"]


def test_shipped_configs_take_overrides_of_everything_they_name():
    """Every value has a path (design §5): setting each scalar of each config to itself changes nothing."""
    for file in (Path(__file__).parents[3] / "configs").glob("*.yaml"):
        text = file.read_text()
        document, plain = parse_document(text), parse_document(text).data
        scalars = [path for path in document.places if path and not isinstance(at(document, path), (dict, list))]
        shown = {True: "true", False: "false", None: "null"}
        texts = [f"{'.'.join(map(str, p))}={_written(at(document, p), shown)}" for p in scalars]
        apply_overrides(document, texts)
        assert document.data == plain


def _written(value, shown):
    if isinstance(value, str):
        return f'"{value}"'
    return shown[value] if isinstance(value, (bool, type(None))) else repr(value)
