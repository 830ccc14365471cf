"""Files that extend others: what is merged and what replaced, whose folder counts, and what a run keeps of them."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.network import load
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.extends import read_file
from blockrun.plugins.training.folder import find_folder
from blockrun.plugins.training.run import load_run

HOST = load_host(entry_points=False)
BASE = """\
blockrun: 1
vars: {width: 8}
inputs: {features: [2], label: {shape: [], dtype: int64}}
templates: {layer: {args: {p: 0.5}, net: {fc: {block: linear, units: $width}, drop: {block: dropout, p: $p}}}}
net:
  layers: {use: layer, repeat: 2}
  act: relu
  logits: {block: linear, units: $data.classes}
  loss: {block: softmax_cross_entropy, in: [logits, label]}
data: {train: {source: csv, path: table.csv, batch: 2}}
train: {epochs: 1, optimizer: {name: sgd, momentum: 0.9, lr: {name: cosine, peak: 0.1}}}
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with base.yaml, its table, and whatever else is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "base.yaml").write_text(BASE)
    (tmp_path / "parts" / "table.csv").write_text("a,b,label\n1,2,0\n3,4,2\n5,6,1\n")

    def write(text, name="net.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def data_of(file):
    return read_file(file).data


def test_maps_are_merged_name_by_name_and_everything_else_is_replaced(files):
    found = data_of(
        files("extends: parts/base.yaml\nvars: {width: 16, depth: 2}\ninputs: {features: [3]}\ntrain: {epochs: 5}\n")
    )
    assert found["vars"] == {"width": 16, "depth": 2}
    assert found["inputs"] == {"features": [3], "label": {"shape": [], "dtype": "int64"}}
    assert found["train"]["epochs"] == 5
    assert found["train"]["optimizer"]["momentum"] == 0.9
    assert "extends" not in found


@pytest.mark.parametrize(
    ("over", "path", "value"),
    [
        ("net: {act: {in: layers}}", ("net", "act"), {"block": "relu", "in": "layers"}),
        ("net: {act: tanh}", ("net", "act"), "tanh"),
        ("net: {layers: {repeat: {share: true}}}", ("net", "layers", "repeat"), {"times": 2, "share": True}),
        ("net: {layers: {block: linear, units: 3}}", ("net", "layers"), {"block": "linear", "units": 3}),
        ("net: {logits: {block: linear, bias: false}}", ("net", "logits"),
         {"block": "linear", "units": "$data.classes", "bias": False}),
        ("train: {optimizer: adam}", ("train", "optimizer"), "adam"),
        ("train: {optimizer: {name: adam}}", ("train", "optimizer"), {"name": "adam"}),
        ("train: {optimizer: {nesterov: true}}", ("train", "optimizer", "momentum"), 0.9),
        ("train: {optimizer: {lr: {name: cosine, warmup: 3}}}", ("train", "optimizer", "lr"),
         {"name": "cosine", "peak": 0.1, "warmup": 3}),
        ("train: {optimizer: {lr: {name: constant, rate: 3}}}", ("train", "optimizer", "lr"),
         {"name": "constant", "rate": 3}),
        ("data: {train: {source: npz, path: a.npz}}", ("data", "train"), {"source": "npz", "path": "a.npz"}),
        ("data: {train: {batch: 5}}", ("data", "train"), {"source": "csv", "path": "table.csv", "batch": 5}),
        ("inputs: {features: {dtype: int64}}", ("inputs", "features"), {"shape": [2], "dtype": "int64"}),
        ("templates: {layer: {args: {p: 0.1}}}", ("templates", "layer", "args"), {"p": 0.1}),
        ("templates: {layer: {net: {drop: relu}}}", ("templates", "layer", "net", "drop"), "relu"),
    ],
)  # fmt: skip
def test_what_names_another_component_replaces_and_what_does_not_is_merged(files, over, path, value):
    """Options of one block, source or optimizer mean nothing to another."""
    found = data_of(files(f"extends: parts/base.yaml\n{over}\n"))
    for part in path:
        found = found[part]
    assert found == value


def test_of_several_the_later_wins_and_the_file_itself_over_all(files):
    files("vars: {a: 1, b: 1, c: 1}\n", "one.yaml")
    files("vars: {b: 2, c: 2}\n", "two.yaml")
    assert data_of(files("extends: [one.yaml, two.yaml]\nvars: {c: 3}\n"))["vars"] == {"a": 1, "b": 2, "c": 3}


def test_an_extended_file_may_extend_others_from_its_own_folder(files):
    files("extends: base.yaml\nvars: {width: 4}\n", "parts/middle.yaml")
    network = load(files("extends: parts/middle.yaml\nnet: {act: tanh}\n"), host=HOST)
    assert network.params["logits.W"].shape == (3, 4)
    assert [node.block.name for node in network.graph.nodes if node.name == "act"] == ["tanh"]


def test_relative_paths_start_from_the_file_that_they_are_written_in(files, tmp_path):
    load(files("extends: parts/base.yaml\n"), host=HOST)
    shutil.copy(tmp_path / "parts" / "table.csv", tmp_path / "mine.csv")
    load(files("extends: parts/base.yaml\ndata: {train: {path: mine.csv}}\n"), host=HOST)
    load(files("extends: parts/base.yaml\nvars: {table: mine.csv}\ndata: {train: {path: $table}}\n"), host=HOST)
    np.savez(tmp_path / "parts" / "start.npz", W=np.ones((3, 8)))
    files(
        "extends: base.yaml\nnet: {logits: {init: {W: {name: from_file, path: start.npz, key: W}}}}\n",
        "parts/more.yaml",
    )
    assert load(files("extends: parts/more.yaml\n"), host=HOST).params["logits.W"].min() == 1


def test_places_are_those_of_the_file_that_says_it(files):
    document = read_file(files("extends: parts/base.yaml\nvars: {width: 16}\nnet: {act: {in: layers}}\n"))
    assert document.place(("vars", "width")).value.file.endswith("net.yaml")
    assert document.place(("net", "act")).key.file.endswith("base.yaml")
    assert document.place(("net", "act", "in")).value.file.endswith("net.yaml")
    assert document.place(("net", "loss", "in", 0)).value.file.endswith("base.yaml")


def test_a_node_that_is_merged_in_says_what_it_reads_and_the_others_keep_what_they_read(files):
    network = load(files("extends: parts/base.yaml\nnet: {skip: {block: linear, units: 8, in: features},\n"
                         "  logits: {in: sum}, sum: {block: add, in: [act, skip]}}\n"), host=HOST)  # fmt: skip
    reads = {node.name: node.inputs for node in network.graph.nodes}
    assert reads["logits"] == ("sum",)
    assert reads["act"] == ("layers/1/drop",)
    with pytest.raises(ConfigError, match="must say what it reads"):
        load(files("extends: parts/base.yaml\nnet: {more: relu}\n"), host=HOST)
    files("blockrun: 1\ninputs: {x: [3]}\n", "inputs.yaml")
    assert load(files("extends: inputs.yaml\nnet: {a: relu, b: tanh}\n"), host=HOST).graph.nodes[1].inputs == ("a",)


def test_removing_a_node_joins_what_was_around_it(files):
    network = load(files("extends: parts/base.yaml\n"), "~net.act", "net.*/drop.when=false", host=HOST)
    reads = {node.name: node.inputs for node in network.graph.nodes}
    assert reads["logits"] == ("layers/1/fc",)


def test_the_command_line_reaches_into_templates_by_name_and_by_glob(files):
    network = load(files("extends: parts/base.yaml\n"), "net.*/drop.p=0.25", "net.layers/1/fc.units=5",
                   "net.layers/?.freeze=fc.W", "net.*.units=6", host=HOST)  # fmt: skip
    blocks = {node.name: node.block for node in network.graph.nodes}
    assert [blocks[f"layers/{i}/drop"].p for i in range(2)] == [0.25, 0.25]
    assert [blocks[name].units for name in ("layers/0/fc", "layers/1/fc", "logits")] == [6, 6, 6]  # the last one wins
    assert network.frozen == {"layers/0/fc.W", "layers/1/fc.W"}
    place = network.document.place(("net", "layers/0/drop", "p"))
    assert str(place.value) == "command line:1:14"


def test_another_block_inside_a_template_is_given_by_its_name_alone(files):
    """The short form of a node is one everywhere."""
    network = load(files("extends: parts/base.yaml\n"), "net.*/drop=tanh", "net.layers/1/drop=relu", host=HOST)
    blocks = {node.name: node.block for node in network.graph.nodes}
    assert [type(blocks[f"layers/{i}/drop"]).__name__ for i in range(2)] == ["Tanh", "Relu"]


def test_one_copy_can_be_left_out(files):
    network = load(files("extends: parts/base.yaml\n"), "net.layers/1.when=false", host=HOST)
    assert [node.name for node in network.graph.nodes][:3] == ["layers/0/fc", "layers/0/drop", "act"]


def test_a_run_keeps_the_files_that_it_extends_and_needs_them_no_more(files, tmp_path):
    files("extends: base.yaml\nvars: {width: 4}\n", "parts/middle.yaml")
    network = load(files("extends: parts/middle.yaml\n"), f"run.dir={tmp_path / 'runs'}", host=HOST)
    network.fit()
    for name in ("base.yaml", "middle.yaml"):
        (tmp_path / "parts" / name).write_text("not what it was")
    found = load_run(find_folder("latest"), HOST)
    assert found.params["logits.W"].shape == (3, 4)
    assert np.array_equal(found.params["logits.W"], network.params["logits.W"])


def test_files_cannot_be_extended_without_end(files, tmp_path):
    for i in range(40):
        files(f"extends: n{i + 1}.yaml\n", f"n{i}.yaml")
    with pytest.raises(ConfigError, match="more than 32 files"):
        read_file(tmp_path / "n0.yaml")
    for i in range(6):
        files(f"extends: [{', '.join([f'm{i + 1}.yaml'] * 20)}]\n", f"m{i}.yaml")
    files("vars: {a: 1}\n", "m6.yaml")
    with pytest.raises(ConfigError, match="more than 32 files"):
        read_file(tmp_path / "m0.yaml")


def test_the_same_file_twice_is_no_circle(files):
    files("vars: {a: 1}\n", "common.yaml")
    files("extends: common.yaml\n", "one.yaml")
    files("extends: common.yaml\n", "two.yaml")
    assert data_of(files("extends: [one.yaml, two.yaml]\n"))["vars"] == {"a": 1}


@pytest.mark.parametrize("name", ["/dev/zero", "/proc/self/mem", "..", "\\0", "a" * 5000, "pipe"])
def test_what_is_no_file_is_refused_with_a_place(files, name, tmp_path):
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    with pytest.raises(ConfigError) as caught:
        load(files(f'extends: "{name}"\nblockrun: 1\nnet: {{a: relu}}\n'), host=HOST)
    first = caught.value.diagnostics[0]
    assert Path(first.mark.file).name == "net.yaml"
    assert first.mark.line == 1
