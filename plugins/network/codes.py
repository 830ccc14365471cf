"""Every error code with its meaning: the one table that messages, tests and explanations refer to."""

from __future__ import annotations

CODES = {
    "E001": "The network file cannot be read, or is not text.",
    "E002": "The file is not YAML.",
    "E003": "A key is given twice in one map.",
    "E004": "A value is not of the kind that belongs there.",
    "E005": "A key that does not exist.",
    "E006": "The file is larger, or nested deeper, or stands for more nodes than a network file may.",
    "E007": "Anchors, aliases, merge keys and tags are not part of a network file.",
    "E008": "A value that is ambiguous, or too large for its type.",
    "E009": "Something that must be there is missing.",
    "E010": "No plugin offers a block of this name.",
    "E011": "The value of an option has the wrong type, or is out of range.",
    "E012": "The block, the template, or another component, has no such option.",
    "E013": "A node does not say which block it is, or an option or argument that must be given is missing.",
    "E014": "This cannot be a name.",
    "E016": "There is no template of this name.",
    "E017": "A template that uses itself.",
    "E018": "Network files that extend one another.",
    "E020": "A `$name` that `vars` does not define.",
    "E021": "A variable of `vars` that is defined by itself.",
    "E022": "A `$data.name` that the data source does not answer.",
    "E023": "An expression `${...}` that cannot be read, or in which something else than values is computed.",
    "E024": "An argument of the command line that is not an override such as `train.epochs=5`.",
    "E025": "An expression `${...}` that has no value.",
    "E030": "A node reads a variable that nothing produces.",
    "E031": "A node is wired to too few or too many variables.",
    "E032": "A block has no input of this name.",
    "E033": "A parameter that is tied to, or shared, does not exist or does not fit.",
    "E034": "Nodes read each other in a circle.",
    "E035": "Two inputs, nodes or metrics have one name.",
    "E036": "What is minimised is not a scalar that a node of the network computes.",
    "E037": "A metric does not give a number that adds up over batches.",
    "E038": "An `init` or `freeze` that is about no parameter of its node.",
    "E039": "An `init` or `freeze` of a parameter that belongs to another node.",
    "E040": "What a node reads does not fit its block.",
    "E041": "Integers where floating-point numbers are needed.",
    "E042": "A block fails on what it is given, without saying why.",
    "E043": "A block breaks the block contract.",
    "E044": "The parameters do not fit in the memory of this machine.",
    "E050": "No plugin offers a data source of this name.",
    "E051": "An input has no field in the data.",
    "E052": "An input and its field in the data have different shapes or kinds of number.",
    "E053": "The data cannot be read.",
    "E054": "No plugin offers a transform of this name.",
    "E055": "A transform is not for these data.",
    "E060": "No plugin offers an optimizer, schedule or initialiser of this name.",
    "E061": "Training has no end, or two.",
    "E062": "A parameter group matches no parameter.",
    "E063": "A batch of this net cannot be run in pieces.",
    "E064": "What a `monitor` names is not measured.",
    "E065": "No plugin offers a callback of this name.",
    "E070": "A plugin that is needed is missing or does not load.",
    "E071": "A plugin fails.",
    "W101": "An input that no node reads.",
    "W102": "A node that nothing minimised or measured depends on.",
    "W103": "A number that is neither minimised nor measured.",
    "W104": "A parameter to which no gradient comes.",
    "W105": "A variable that is not used.",
    "W106": "A template that is not used.",
    "W107": "An argument that its template does not use.",
}
DATA = ("E051", "E052", "E053")
PLUGINS = ("E070", "E071")


def exit_code(codes: list[str]) -> int:
    """What the command line ends with: 6 if only the data are wrong, 3 if only plugins are, else 2."""
    if codes and all(code in DATA for code in codes):
        return 6
    return 3 if codes and all(code in PLUGINS for code in codes) else 2
