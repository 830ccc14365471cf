"""Explanations of what can be wrong with the text of a network file, its blocks and options, and its references."""

from __future__ import annotations

from .explanation import DIGITS, HEAD, Explanation

TEXT = {
    "E001": Explanation(
        "A network file is text in UTF-8, without control characters, that exists and may be read. The usual cause is "
        "another file under this name, or an editor that saves in an older encoding.",
        HEAD + "net:\n  act: relu\a\n",
        ("\a", ""),
    ),
    "E002": Explanation(
        "The text breaks a rule of YAML: a bracket or quote that is not closed, a tab in the indentation, or lines "
        "of one map that do not begin in the same column.",
        HEAD + "net:\n  fc: {block: linear, units: 4\n",
        ("units: 4", "units: 4}"),
    ),
    "E003": Explanation(
        "YAML readers often keep the last of two equal keys in silence. Here it is an error, because one of the two "
        "nodes would be lost.",
        HEAD + "net:\n  act: relu\n  act: tanh\n",
        ("act: tanh", "act2: tanh"),
    ),
    "E004": Explanation(
        "The key is right but its value is of another kind: text where a map belongs, a list where a number belongs.",
        HEAD + "net: [relu, tanh]\n",
        ("[relu, tanh]", "{a: relu, b: tanh}"),
    ),
    "E005": Explanation(
        "Nothing reads this key, so it would have no effect. It is most often misspelt.",
        HEAD + "net:\n  act: relu\nrun: {sede: 1}\n",
        ("sede", "seed"),
    ),
    "E006": Explanation(
        "The size and the depth of a network file are limited, so that a file from elsewhere cannot fill the memory. "
        "Numbers in bulk belong in a data file.",
        HEAD + "net:\n  fc: {block: linear, units: " + "[" * 70 + "4" + "]" * 70 + "}\n",
        ("[" * 70 + "4" + "]" * 70, "4"),
    ),
    "E007": Explanation(
        "Anchors, aliases, merge keys and tags of YAML are refused: a reader cannot see what they stand for, and "
        "tags can run code. A value that is used more than once goes into `vars`.",
        HEAD + "net:\n  fc1: {block: linear, units: &width 4}\n  fc2: {block: linear, units: *width}\n",
        (
            "net:\n  fc1: {block: linear, units: &width 4}\n  fc2: {block: linear, units: *width}",
            "vars: {width: 4}\nnet:\n  fc1: {block: linear, units: $width}\n  fc2: {block: linear, units: $width}",
        ),
    ),
    "E008": Explanation(
        "Readers of YAML disagree about this value, as about 010, which is eight to some and ten to others; or it is "
        "larger than its type can hold.",
        HEAD + "net:\n  fc: {block: linear, units: 010}\n",
        ("010", "10"),
    ),
    "E009": Explanation(
        "A section or key without which the rest means nothing: every file begins with `blockrun: 1` and has `net`.",
        "inputs: {x: [3]}\nnet:\n  act: relu\n",
        ("inputs:", "blockrun: 1\ninputs:"),
    ),
    "E010": Explanation(
        "Blocks are found by name among those that plugins offer. `blockrun blocks` lists them; a block of another "
        "package is there once that package is installed.",
        HEAD + "net:\n  fc: {block: linaer, units: 4}\n",
        ("linaer", "linear"),
    ),
    "E011": Explanation(
        "The block declares the type and the limits of each option; `blockrun blocks NAME` shows them.",
        HEAD + "net:\n  drop: {block: dropout, p: 1.5}\n",
        ("1.5", "0.5"),
    ),
    "E012": Explanation(
        "The block, optimizer, schedule or source exists but has no option of this name.",
        HEAD + "net:\n  fc: {block: linear, units: 4, baise: false}\n",
        ("baise", "bias"),
    ),
    "E013": Explanation(
        "A node names its block, alone or as `block:` in a map, and gives every option that has no default.",
        HEAD + "net:\n  fc: linear\n",
        ("fc: linear", "fc: {block: linear, units: 4}"),
    ),
    "E014": Explanation(
        "Names become the names of variables, parameters and files, so they are made of letters, digits, `_` and "
        "`-`, and begin with a letter or `_`.",
        HEAD + "net:\n  1st: relu\n",
        ("1st", "first"),
    ),
    "E016": Explanation(
        "`use` names a template of the section `templates` of this file, or of one that it extends.",
        HEAD + "templates: {layer: {net: {fc: {block: linear, units: 4}, act: relu}}}\nnet:\n  a: {use: laier}\n",
        ("laier", "layer"),
    ),
    "E017": Explanation(
        "A template is written out wherever it is used, so it cannot be inside of itself. Copies in a row are what "
        "`repeat` is for.",
        HEAD + "templates: {layer: {net: {fc: {block: linear, units: 4}, more: {use: layer}}}}\n"
        "net:\n  a: {use: layer}\n",
        (", more: {use: layer}", ""),
    ),
    "E018": Explanation(
        "`extends` names a file that this one is different from. Going on from there must come to an end.",
        HEAD + "extends: base.yaml\nnet:\n  act: relu\n",
        ("extends: base.yaml\n", ""),
        files={"base.yaml": "blockrun: 1\nextends: wrong.yaml\n"},
    ),
    "E020": Explanation(
        "`$name` stands for the value of `name` in the section `vars`.",
        HEAD + "vars: {width: 8}\nnet:\n  fc: {block: linear, units: $witdh}\n",
        ("$witdh", "$width"),
    ),
    "E021": Explanation(
        "A variable of `vars` may refer to another one, but following the references must come to an end.",
        HEAD + "vars: {a: $b, b: $a}\nnet:\n  fc: {block: linear, units: $a}\n",
        ("b: $a", "b: 8"),
    ),
    "E022": Explanation(
        "`$data.name` is answered by the source of the training data, from its description. Sources differ in what "
        "they can answer; all know `examples`, and those with labels know `classes`.",
        DIGITS + "net:\n  flat: flatten\n  fc: {block: linear, units: $data.clases}\ndata: {train: digits}\n",
        ("clases", "classes"),
    ),
    "E023": Explanation(
        "`${...}` holds numbers, strings, names of `vars`, `+ - * / // % **`, comparisons, `and`, `or`, `not` and "
        "`a if b else c`, as Python writes them. Nothing else is evaluated: no calls, no lists, no lookups.",
        HEAD + 'vars: {width: 4}\nnet:\n  fc: {block: linear, units: "${max(width, 2)}"}\n',
        ("max(width, 2)", "width if width > 2 else 2"),
    ),
    "E024": Explanation(
        "After the file, the command line takes overrides: the keys on the way to a value, joined by dots, then `=` "
        "and the value, without spaces.",
        HEAD + "net:\n  fc: {block: linear, units: 4}\n",
        ("units 8", "units=8"),
        overrides=("net.fc.units 8",),
    ),
    "E025": Explanation(
        "The expression can be read but its value cannot be worked out: a division by zero, a number beyond 64 bits, "
        "text where a number belongs. A condition must be true or false.",
        HEAD + 'vars: {width: 4}\nnet:\n  fc: {block: linear, units: "${16 // (width - 4)}"}\n',
        ("width - 4", "width - 2"),
    ),
}
