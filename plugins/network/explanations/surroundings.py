"""Explanations of what can be wrong around a network: its data, its training, and the plugins that it needs."""

from __future__ import annotations

from .explanation import DIGITS, HEAD, Explanation

SOURCE = """\
from blockrun.plugins.data.source import Source


class Unfinished(Source):
    def describe(self):
        return {}["fields"]

    def read(self, indices):
        return {}
"""
SURROUNDINGS = {
    "E050": Explanation(
        "Data are read by sources, which plugins offer by name as they do blocks.",
        DIGITS + "net:\n  flat: flatten\ndata: {train: digit}\n",
        ("digit}", "digits}"),
    ),
    "E051": Explanation(
        "An input is fed from the field of the data that has its name, or that `from` names.",
        "blockrun: 1\ninputs: {picture: [8, 8, 1]}\nnet:\n  flat: flatten\ndata: {train: digits}\n",
        ("[8, 8, 1]", "{shape: [8, 8, 1], from: image}"),
    ),
    "E052": Explanation(
        "The shape of an input, without the batch axis, and its kind of number must be those of its field in the data.",
        "blockrun: 1\ninputs: {image: [8, 8]}\nnet:\n  flat: flatten\ndata: {train: digits}\n",
        ("[8, 8]", "[8, 8, 1]"),
    ),
    "E053": Explanation(
        "The file is not there, may not be read, or does not hold what its source expects. A path is relative to the "
        "network file.",
        "blockrun: 1\ninputs: {features: [2]}\nnet:\n  act: relu\ndata: {train: {source: csv, path: tabel.csv}}\n",
        ("tabel.csv", "table.csv"),
        files={"table.csv": "a,b,label\n1.5,2.5,0\n3.5,4.5,1\n"},
    ),
    "E054": Explanation(
        "Transforms are done to examples before the network sees them. They are found by name among those that plugins "
        "offer.",
        DIGITS + "net:\n  flat: flatten\ndata: {train: digits, transforms: [normalize]}\n",
        ("normalize", "normalise"),
    ),
    "E055": Explanation(
        "A transform is done to the field that `on` names, or else to the only one of numbers with fractions. Most of "
        "them are for images (height, width, channels), and a window must lie in the image.",
        DIGITS + "net:\n  flat: flatten\ndata: {train: digits, transforms: [{transform: crop, size: [9, 9]}]}\n",
        ("size: [9, 9]", "size: [8, 8], pad: 1"),
    ),
    "E060": Explanation(
        "Optimizers, and the schedules of their learning rate, are found by name among those that plugins offer.",
        HEAD + "net:\n  loss: {block: sum_of_squares, in: [x, x]}\ntrain: {epochs: 2, optimizer: adma}\n",
        ("adma", "adam"),
    ),
    "E061": Explanation(
        "Training needs exactly one of `epochs`, passes over the data, and `steps`, batches.",
        HEAD + "net:\n  loss: {block: sum_of_squares, in: [x, x]}\ntrain: {optimizer: sgd}\n",
        ("optimizer: sgd", "epochs: 2, optimizer: sgd"),
    ),
    "E062": Explanation(
        "The glob of a group is compared with the names of all parameters, `node.parameter`; `blockrun summary` shows "
        "them. `*` stands for any letters, `?` for one. A group without a parameter would change nothing.",
        HEAD + "net:\n  fc: {block: linear, units: 3}\n  loss: {block: sum_of_squares, in: [fc, x]}\n"
        "train: {epochs: 2, optimizer: {name: sgd, groups: [{match: '*.bias', lr_factor: 2}]}}\n",
        ("*.bias", "*.b"),
    ),
    "E063": Explanation(
        "`train.accumulate` runs a batch in pieces, one after another, and adds their gradients up. A block that "
        "needs the whole batch at once, such as batch_norm, cannot be run so; with `settle: true` it takes the sums "
        "of its piece for those of the batch. `train.parallel` runs pieces at once, which batch_norm is fit for. A "
        "block that does not declare `batchwise` cannot be run in pieces.",
        HEAD + "net:\n  norm: batch_norm\n  loss: {block: sum_of_squares, in: [norm, x]}\n"
        "train: {epochs: 2, optimizer: sgd, accumulate: 4}\n",
        ("accumulate: 4", "accumulate: {pieces: 4, settle: true}"),
    ),
    "E064": Explanation(
        "`monitor` names what is measured during training: `objective`, what is minimised, on the validation part if "
        "there is one; `train.` and the name of a loss; with a part `data.val`, `val.` and a loss or a metric.",
        HEAD + "net:\n  loss: {block: sum_of_squares, in: [x, x]}\n"
        "train: {epochs: 2, optimizer: {name: sgd, lr: {name: plateau, peak: 0.1, monitor: train.los}}}\n",
        ("train.los}", "train.loss}"),
    ),
    "E065": Explanation(
        "Callbacks watch a run: they may end it, or keep what it comes to. They are found by name among those that "
        "plugins offer.",
        HEAD + "net:\n  loss: {block: sum_of_squares, in: [x, x]}\n"
        "train: {epochs: 2, optimizer: sgd}\ncallbacks: {stop: early_stopping}\n",
        ("early_stopping", "early_stop"),
    ),
    "E070": Explanation(
        "`plugins.require` lists the packages, and `plugins.local` the Python files beside the network file, without "
        "which it means nothing. One of them is not there or cannot be loaded.",
        "blockrun: 1\nplugins: {local: [mine.py]}\ninputs: {x: [3]}\nnet:\n  act: relu\n",
        ("plugins: {local: [mine.py]}\n", ""),
    ),
    "E071": Explanation(
        "A component of a plugin raised an error while the file was read. The fault is in the plugin.",
        "blockrun: 1\nplugins: {local: [mine.py]}\ninputs: {image: [8, 8, 1]}\nnet:\n  flat: flatten\n"
        "data: {train: unfinished}\n",
        ("unfinished", "digits"),
        files={"mine.py": SOURCE},
    ),
}
