"""The sections around the net: inputs, constants, data, what is minimised, the run, plugins."""

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError

HOST = load_host(entry_points=False)
LOSS = "net: {fc: {block: linear, units: 2}, loss: {block: sum_of_squares, in: [fc, y]}}\n"
FED = "inputs: {x: [3], y: [2]}\n" + LOSS


@pytest.fixture
def built(tmp_path):
    def build(text, *overrides, name="net.yaml"):
        (tmp_path / name).write_text("blockrun: 1\n" + text)
        return load(tmp_path / name, *overrides, host=HOST)

    return build


def errors(build, text):
    with pytest.raises(ConfigError) as caught:
        build(text)
    return caught.value


@pytest.mark.parametrize(
    ("written", "dtype", "value"),
    [
        ("3.0", "float32", 3.0),
        ("3", "float32", 3.0),
        ("[[1, 2], [3, 4]]", "float32", [[1, 2], [3, 4]]),
        ("-.inf", "float32", -np.inf),
        ("3, dtype: int64", "int64", 3),
        ("[true, false], dtype: bool", "bool", [True, False]),
        ("255, dtype: uint8", "uint8", 255),
        ("2.5, dtype: float64", "float32", 2.5),  # whatever is floating has the dtype of the run
        ("[1, 2], shape: [2]", "float32", [1, 2]),
    ],
)
def test_a_constant_has_no_batch_axis_and_the_dtype_it_says(built, written, dtype, value):
    network = built(f"inputs: {{x: {{value: {written}}}}}\nnet: {{a: {{block: square, in: x}}}}\n")
    array = network.feed({})["x"]
    assert array.dtype == dtype
    assert array.tolist() == value


@pytest.mark.parametrize(
    "written",
    ["'3'", "null", "true", "[]", "[[1, 2], [3]]", "{a: 1}", "1e39", "1.5, dtype: int64", "256, dtype: uint8",
     "-1, dtype: uint8", "1, dtype: bool", "[1, two]", "[1, [2]]", "1, shape: [1]", "1, batch: true", "1, from: x"],
)  # fmt: skip
def test_a_constant_that_would_change_or_mean_nothing_is_refused(built, written):
    error = errors(built, f"inputs: {{x: {{value: {written}}}}}\nnet: {{a: {{block: square, in: x}}}}\n")
    assert len(error.diagnostics) == 1


def test_floating_inputs_follow_the_run_and_integers_stay(built):
    text = "inputs: {x: {shape: [3], dtype: float32}, i: {shape: [], dtype: int32}}\nnet: {a: {block: relu, in: x}}\n"
    network = built(text, "run.dtype=float64")
    assert {name: wanted.dtype for name, wanted in network.inputs.items()} == {"x": "float64", "i": "int32"}


def test_an_input_without_a_batch_axis(built):
    network = built("inputs: {x: [3], s: {shape: [], batch: false}}\nnet: {a: {block: multiply, in: [x, s]}}\n")
    assert network.forward({"x": [[1, 2, 3]], "s": 2.0})["a"].tolist() == [[2, 4, 6]]


@pytest.mark.parametrize(
    ("train", "objective"),
    [
        ("", {"loss": 1.0}),
        ("train: {epochs: 1, optimizer: sgd}", {"loss": 1.0}),
        ("train: {epochs: 1, optimizer: sgd, minimize: loss}", {"loss": 1.0}),
        ("train: {epochs: 1, optimizer: sgd, minimize: loss.y}", {"loss": 1.0}),
        ("train: {epochs: 1, optimizer: sgd, minimize: [loss]}", {"loss": 1.0}),
        ("train: {epochs: 1, optimizer: sgd, minimize: {loss: 0.5}}", {"loss": 0.5}),
    ],
)
def test_what_is_minimised(built, train, objective):
    assert built(FED + train + "\n").objective == objective


@pytest.mark.parametrize(
    ("minimize", "code"),
    [("los", "E030"), ("fc", "E036"), ("x", "E036"), ("[]", "E036"), ("{}", "E036"), ("", "E036"), ("3", "E030"),
     ("{loss: two}", "E004"), ("[loss, lss]", "E030"), ("{fc: 1}", "E036"), ("fc.W", "E036")],
)  # fmt: skip
def test_what_cannot_be_minimised(built, minimize, code):
    error = errors(built, FED + f"train: {{epochs: 1, optimizer: sgd, minimize: {minimize}}}\n")
    assert [diagnostic.code for diagnostic in error.diagnostics] == [code]


def test_without_training_the_last_node_need_not_be_a_scalar(built):
    assert built("inputs: {x: [3]}\nnet: {a: relu}\n").objective == {"a": 1.0}


def test_a_constant_rate_is_that_of_the_file_or_of_the_optimizer(built):
    rates = {}
    for optimizer in ("adam", "{name: adam, lr: 0.5}", "{name: sgd, lr: {name: cosine, peak: 2}}"):
        training = built(FED + f"train: {{steps: 3, optimizer: {optimizer}}}\n").sections.training
        rates[optimizer] = training.rule.schedule(0, 3)
    assert list(rates.values()) == [HOST.find("optimizers", "adam").lr, 0.5, 2.0]


DIGITS = "inputs: {{image: {image}}}\nnet: {{a: {{block: identity, in: image}}}}\ndata: {data}\n"


@pytest.mark.parametrize(
    ("image", "data", "codes", "exit_code"),
    [
        ("[8, 8, 1]", "{train: {source: digits, split: trian}}", ["E011"], 2),
        ("[8, 8, 1]", "{train: {source: dgits}}", ["E050"], 2),
        ("[8, 8, 1]", "{trane: digits}", ["E005"], 2),
        ("[8, 8, 1]", "{train: {source: digits, batch: 0}}", ["E011"], 2),
        ("[8, 8, 1]", "{train: {source: csv}}", ["E013"], 2),
        ("[8, 8, 1]", "{train: {source: csv, path: nowhere.csv}}", ["E053"], 6),
        ("[8, 8, 1]", "{train: {source: csv, path: .}}", ["E053"], 6),
        ("[8, 8]", "{train: digits, val: digits, test: digits}", ["E052"], 6),
        ("{shape: [8, 8, 1], from: picture}", "{train: digits}", ["E051"], 6),
        ("{shape: [8, 8, 1], dtype: int64}", "{train: digits}", ["E052"], 6),
        ("{shape: [], from: label, dtype: int64}", "{train: digits}", [], 0),
        ("{shape: [], from: label}", "{train: digits}", [], 0),
    ],
)
def test_data_and_inputs_must_agree(built, image, data, codes, exit_code):
    """Exit code 6 where only the data are wrong, 2 where the file is (design §8); one error for all parts."""
    text = DIGITS.format(image=image, data=data)
    if not codes:
        built(text)
        return
    error = errors(built, text)
    assert [diagnostic.code.replace("E004", "E011") for diagnostic in error.diagnostics] == codes
    assert error.exit_code == exit_code


@pytest.mark.parametrize("source", ["csv", "npz"])
def test_the_data_are_asked_through_vars_and_relative_to_the_file(built, tmp_path, source):
    (tmp_path / "table.csv").write_text("a,b,label\n1,2,0\n3,4,2\n")
    np.savez(tmp_path / "table.npz", features=np.ones((2, 2)), label=np.array([0, 2]))
    network = built(
        f"vars: {{k: $data.classes}}\ninputs: {{features: [2]}}\nnet: {{fc: {{block: linear, units: $k}}}}\n"
        f"data: {{train: {{source: {source}, path: table.{source}}}}}\n"
    )
    assert network.params["fc.W"].shape == (3, 2)
    assert network.resolved["vars"] == {"k": 3}


def test_data_that_cannot_be_read_are_one_error_although_the_net_asks_them(built):
    text = "inputs: {a: [2]}\nnet: {fc: {block: linear, units: $data.classes}}\ndata: {train: {source: csv, path: x}}\n"
    assert [diagnostic.code for diagnostic in errors(built, text).diagnostics] == ["E053"]


def test_the_run_is_named_after_the_file(built):
    assert built(FED).sections.run.name == "net"
    assert built(FED, "run.name=other-1").sections.run.name == "other-1"


@pytest.mark.parametrize("name", ["...yaml", "..a.yaml", ".yaml.yaml", "a b.yaml", "é.yaml", "x\ny.yaml"])
def test_no_file_name_makes_a_run_folder_elsewhere(built, name):
    folder = built(FED, name=name).sections.run.name
    assert folder not in ("", ".", "..")
    assert not folder.startswith(".")
    assert not set(folder) & set("/\\ \n")


@pytest.mark.parametrize(
    "name",
    ["..", ".", "../x", "a/b", "/etc", "a\\\\b", ".hidden", "-x", "a b", "é", "a" * 101, "\\0", "a\\0b", "\\n", "CON:",
     "\\u202egnp.exe", "e\\u0301", "\\ud800"],
)  # fmt: skip
def test_the_name_of_a_run_is_one_safe_component(built, name):
    """Promise 31: names are keys, never paths."""
    error = errors(built, FED + f'run: {{name: "{name}"}}\n')
    assert {diagnostic.code for diagnostic in error.diagnostics} <= {"E014", "E008", "E002"}


@pytest.mark.parametrize(
    "name", ["..", "a/b", "/etc/passwd", "a.b", "1a", "é", "a" * 101, "\\0", "a b", "\\u202ea", "$x"]
)
def test_the_name_of_a_node_is_a_plain_word(built, name):
    error = errors(built, f'inputs: {{x: [3]}}\nnet: {{"{name}": relu}}\n')
    assert {diagnostic.code for diagnostic in error.diagnostics} <= {"E014", "E008"}
    error.render().encode()


@pytest.mark.parametrize(
    ("plugins", "codes", "exit_code"),
    [
        ("{require: [blockrun]}", [], 0),
        ("{require: [not-there, nor-this]}", ["E070", "E070"], 3),
        ("{require: blockrun}", ["E004"], 2),
        ("{disable: [blockrun]}", ["E004"], 2),
        ("{local: [nowhere.py]}", ["E070"], 3),
        ("{local: nowhere.py}", ["E004"], 2),
        ("{needs: [x]}", ["E005"], 2),
        ("[x]", ["E004"], 2),
    ],
)
def test_the_plugins_a_file_asks_for(built, plugins, codes, exit_code):
    if not codes:
        built(FED + f"plugins: {plugins}\n")
        return
    error = errors(built, FED + f"plugins: {plugins}\n")
    assert ([diagnostic.code for diagnostic in error.diagnostics], error.exit_code) == (codes, exit_code)


def test_a_layer_larger_than_any_memory_is_refused_in_no_time(built):
    """Promise 32, for what is known before anything is computed: a layer of 10^15 units."""
    for size in (10**9, 10**12, 10**15, 2**63 - 1):
        text = f"inputs: {{x: [1000]}}\nnet: {{fc: {{block: linear, units: {size}}}}}\n"
        assert [diagnostic.code for diagnostic in errors(built, text).diagnostics] == ["E044"]
