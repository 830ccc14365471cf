"""Transforms of a file: the stream depends on seed, epoch and place alone, and a run keeps what they measured."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from blockrun.plugins.commands.main import main
from blockrun.plugins.data.batches import Batches
from blockrun.plugins.data.transform import Draw
from blockrun.plugins.network.build import load
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.reports.mistakes import mistakes
from blockrun.plugins.training.evaluation import evaluate
from blockrun.plugins.training.run import load_run, train

NET = """blockrun: 1
inputs: {{image: [8, 8, 1], label: {{shape: [], dtype: int64}}}}
net:
  flat: {{block: flatten, in: image}}
  scores: {{block: linear, units: 10}}
  loss: {{block: softmax_cross_entropy, in: [scores, label]}}
metrics: {{accuracy: {{block: accuracy, in: [scores, label]}}}}
data:
  transforms: {transforms}
  train: {{source: digits, take: [0, 0.1], batch: 32}}
  val: {{source: digits, split: val}}
train: {{steps: 4, optimizer: sgd}}
"""
EVERYTHING = (
    "[normalise, flip, {transform: crop, pad: 1}, {transform: rotate, degrees: 20}, {transform: cutout, size: 3}, "
    "{transform: mixup, classes: 10, alpha: 1}]"
)


def network(folder, transforms=EVERYTHING, **more):
    file = folder / "net.yaml"
    file.write_text(NET.format(transforms=transforms))
    return load(file, f"run.dir={folder / 'runs'}", *(f"{k}={v}" for k, v in more.items()))


def stream(part, batch, *, seed=0, epoch=0, start=0):
    batches = list(Batches(part.source, batch, shuffle=True, seed=seed, augment=True).epoch(epoch, start))
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}


def test_examples_are_the_same_however_an_epoch_is_cut_into_batches(tmp_path):
    part = network(tmp_path).sections.data["train"]
    whole = stream(part, 344)
    for batch in (1, 7, 100):
        found = stream(part, batch)
        assert all(np.array_equal(found[name], whole[name]) for name in whole)
    later = stream(part, 7, start=3)
    assert all(np.array_equal(later[name], whole[name][21:]) for name in whole)


@pytest.mark.parametrize("transform", ["flip", *re.findall(r"{[^}]+}", EVERYTHING)])
def test_what_is_random_differs_with_the_epoch_and_the_seed_and_not_in_evaluation(transform, tmp_path):
    part = network(tmp_path, f"[{transform}]").sections.data["train"]
    rows = np.arange(344)
    np.testing.assert_array_equal(part.source.read(rows)["image"], part.source.whole.read(rows)["image"])
    in_order = [list(Batches(part.source, 344, seed=s, augment=True).epoch(e)) for s, e in ((0, 0), (0, 1), (1, 0))]
    first, second, third = (batches[0]["image"] for batches in in_order)
    changed = (first != part.source.whole.read(rows)["image"]).any(axis=(1, 2, 3)).mean()
    assert changed > 0.3
    assert (first != second).any()
    assert (first != third).any()


def test_one_number_of_a_draw_is_the_next_of_its_stream():
    """That places are skipped rightly depends on a float64 taking one number of PCG64: shapes of one, two and three."""
    for shape in ((), (2,), (3, 1)):
        whole = Draw((5, 1, 2), 0, 9, dict).uniform(*shape)
        assert np.array_equal(Draw((5, 1, 2), 4, 3, dict).uniform(*shape), whole[4:7])
        draw = Draw((5, 1, 2), 0, 9, dict)
        assert not np.array_equal(draw.uniform(*shape), draw.uniform(*shape))


def test_fields_that_are_named_together_are_changed_alike(tmp_path):
    x = np.random.default_rng(0).random((20, 6, 6, 1)).astype(np.float32)
    np.savez(tmp_path / "d.npz", image=x, mask=x)
    (tmp_path / "net.yaml").write_text(
        "blockrun: 1\ninputs: {image: [6, 6, 1], mask: [6, 6, 1]}\n"
        "net: {loss: {block: sum_of_squares, in: [image, mask]}}\n"
        "data:\n  transforms: [{transform: crop, pad: 2, on: [image, m*]}, {transform: flip, on: '*'}]\n"
        "  train: {source: npz, path: d.npz}\n"
    )
    found = stream(load(tmp_path / "net.yaml").sections.data["train"], 20)
    assert np.array_equal(found["image"], found["mask"])
    assert not np.array_equal(np.sort(found["image"], 0), np.sort(x, 0))


def test_a_run_is_measured_by_the_numbers_that_it_was_trained_with(tmp_path):
    """The training part is another one afterwards, and what was trained gives the same as before."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 3)) * 5 + 7, rng.standard_normal((50, 3))
    np.savez(tmp_path / "d.npz", x=x, y=y)
    np.savez(tmp_path / "v.npz", x=x[:9], y=y[:9])
    (tmp_path / "net.yaml").write_text(
        "blockrun: 1\ninputs: {x: [3], y: [3]}\n"
        "net:\n  out: {block: linear, units: 3, in: x}\n  loss: {block: mean_squared_error, in: [out, y]}\n"
        "data:\n  transforms: [{transform: normalise, on: x}]\n"
        "  train: {source: npz, path: d.npz}\n  val: {source: npz, path: v.npz}\n"
        f"train: {{steps: 3, optimizer: sgd}}\nrun: {{dir: {tmp_path / 'runs'}}}\n"
    )
    run = train(load(tmp_path / "net.yaml"))
    np.savez(tmp_path / "d.npz", x=x * 100, y=y)
    again = load_run(run.folder)
    assert evaluate(again, again.sections.data["val"]) == run.results
    said = CliRunner().invoke(main, ["predict", str(run.folder.path)]).output
    np.savez(tmp_path / "new.npz", x=x[:9])
    assert CliRunner().invoke(main, ["predict", str(run.folder.path), str(tmp_path / "new.npz")]).output == said
    out = np.loadtxt(said.splitlines()[1:], delimiter=",")
    given = (x[:9] - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(out, given @ again.params["out.W"].T + again.params["out.b"], rtol=1e-4, atol=1e-5)


def test_a_file_to_predict_from_holds_examples_as_the_data_have_them(tmp_path):
    net = network(tmp_path, "[{transform: crop, size: [6, 6]}]", **{"inputs.image": "[6,6,1]"})
    run = train(net)
    images = np.random.default_rng(0).random((2, 8, 8, 1))
    np.savez(tmp_path / "new.npz", image=images)
    result = CliRunner().invoke(main, ["predict", str(run.folder.path), str(tmp_path / "new.npz"), "--keep", "flat"])
    found = np.loadtxt(result.output.splitlines()[1:], delimiter=",")
    np.testing.assert_allclose(found, images[:, 1:7, 1:7].reshape(2, 36), rtol=1e-6)
    np.savez(tmp_path / "new.npz", image=images[:, 1:7, 1:7])
    result = CliRunner().invoke(main, ["predict", str(run.folder.path), str(tmp_path / "new.npz")])
    assert "input `image` has shape (6, 6, 1); before the transforms it must be (8, 8, 1)" in result.output


@pytest.mark.parametrize(
    ("transforms", "code", "said"),
    [
        ("flip", "E004", "`data.transforms` must be a list of transforms"),
        ("[3]", "E004", "`data.transforms.0` is 3; it must be the name of a transform, or a map"),
        ("[{p: 1}]", "E009", "`data.transforms.0` does not say which transform it is"),
        ("[flop]", "E054", "unknown transform `flop`"),
        ("[{transform: flip, q: 1}]", "E012", "transform flip has no option `q`"),
        ("[{transform: flip, p: 2}]", "E011", "`data.transforms.0.p` is 2; it must be a number, at least 0, at most 1"),
        ("[rotate]", "E013", "transform rotate needs the option `degrees`"),
        ("[crop]", "E011", "neither `size` nor `pad` is given"),
        ("[{transform: flip, on: picture}]", "E055", "the data have no field `picture`"),
        ("[{transform: flip, axis: 4}]", "E055", "`axis` is 4; `image` has axes 0 to 3"),
        ("[{transform: crop, size: [9, 8]}]", "E055", "`size` is [9, 8]; `image` with its `pad` is [8, 8]"),
        ("[{transform: rotate, degrees: 5, on: label}]", "E055", "`label` has shape []; `rotate` is for images"),
        ("[{transform: mixup, classes: 9}]", "E055", "`classes` is 9; the data have 10"),
        (
            "[{transform: mixup, classes: 10, label: image}]",
            "E055",
            "which is [8, 8, 1] float32; it must be one integer",
        ),
        ("[{transform: mixup, classes: 10, into: label}]", "E055", "`into` is `label`, which is a field of the data"),
        ("[{transform: crop, size: [7, 8]}]", "E052", "has shape [7, 8, 1] in `data.train`; the input says [8, 8, 1]"),
    ],
)
def test_what_cannot_be_done_is_said_where_it_is_written(transforms, code, said, tmp_path):
    with pytest.raises(ConfigError) as caught:
        network(tmp_path, transforms)
    (found,) = caught.value.diagnostics
    assert said in found.message
    assert found.code == code
    assert found.mark.line == (2 if code == "E052" else 9)


def test_several_fields_of_fractions_need_one_to_be_named(tmp_path):
    np.savez(tmp_path / "d.npz", a=np.zeros((4, 2)), b=np.zeros((4, 2)))
    (tmp_path / "net.yaml").write_text(
        "blockrun: 1\ninputs: {a: [2]}\nnet: {out: {block: identity, in: a}}\n"
        "data: {train: {source: npz, path: d.npz}, transforms: [normalise]}\n"
    )
    with pytest.raises(ConfigError, match="the data have 2 fields of numbers with fractions"):
        load(tmp_path / "net.yaml")


def test_overrides_reach_the_options_of_a_transform_in_short_form_too(tmp_path):
    net = network(tmp_path, "[flip]", **{"data.transforms.0.p": 0})
    assert net.sections.transforms.steps[0].transform.p == 0


def test_the_pictures_of_a_report_are_as_the_data_have_them(tmp_path):
    net = network(tmp_path, "[normalise]")
    (found,) = mistakes(net)
    shown = np.stack([picture for picture, _, _ in found.worst])
    whole = net.sections.data["val"].source.whole.read(np.arange(382))["image"]
    assert all(any(np.array_equal(picture, x) for x in whole) for picture in shown)
