"""Words misspelt by one letter: the right one is suggested, and suggested first (promises 6 and 7)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from blockrun.core.options import RESERVED
from blockrun.plugins.host import Host
from blockrun.plugins.network import data, inputs, settings, training
from blockrun.plugins.network.build import build
from blockrun.plugins.network.diagnostics import ConfigError
from blockrun.plugins.network.expansion import repeat, templates
from blockrun.plugins.network.extends import read_file
from blockrun.plugins.suggest import closest

from .mutated import BASE, CONFIGS, GRAMMAR

KINDS = ("blocks", "sources", "optimizers", "schedules", "inits", "callbacks", "transforms")
SHORTEST = 3  # shorter words have too many neighbours to be told apart
WORD = re.compile(r"(?<![\w$./{-])[A-Za-z_]\w{2,}(?=: |: *\n|[,\]}\n])")


def one_edit(word: str) -> list[str]:
    """Every word that one slip makes of `word`: a letter left out, doubled, swapped with the next, or replaced."""
    near = "aeinst_"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b} | {a + b[0] + b for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + c + b[1:] for a, b in cuts if b for c in near} | {a + c + b for a, b in cuts for c in near}
    return sorted(found - {word, ""})


def vocabularies(host: Host) -> dict[str, list[str]]:
    """Every list of names that a key, a component, an option or a variable is looked up in."""
    found = {
        "sections": list(settings.TOP), "keys of a node": list(RESERVED), "keys of an input": list(inputs.KEYS),
        "parts of the data": [*data.PARTS, *data.DATA_SETTINGS], "keys of `train`": list(training.KEYS),
        "keys of a template": list(templates.KEYS), "keys of `repeat`": list(repeat.KEYS),
    }  # fmt: skip
    for kind in KINDS:
        found[kind] = host.names(kind)
        for name in host.names(kind):
            options = list(host.find(kind, name).option_types)
            found |= {f"options of {name}": [*options, *(RESERVED if kind == "blocks" else ())]} if options else {}
    for file in CONFIGS:
        network = build(read_file(file), host, drawn=False)
        found[f"variables of {file.stem}"] = [*network.inputs, *(n.name for n in network.graph.nodes), *network.params]
        found[f"vars of {file.stem}"] = list(network.resolved.get("vars", {}))
    return {what: names for what, names in found.items() if names}


def cases(host: Host, share: float = 1.0, seed: int = 0) -> Iterator[tuple[str, str]]:
    """A share of all slips of all names, and what is suggested instead where that is not the name."""
    rng = random.Random(seed)
    for what, known in vocabularies(host).items():
        for name in (name for name in known if len(name) >= SHORTEST):
            for slip in one_edit(name):
                if slip not in known and rng.random() < share:
                    suggested = closest(slip, known)
                    yield f"{slip} among {what}", "" if suggested == name else f"{suggested}, not {name}"


def in_files(folder: Path, count: int, host: Host, seed: int = 0) -> Iterator[tuple[str, str]]:
    """So many words in shipped networks misspelt, and what is shown where the help brings no two of them together.

    Of a name that is misspelt where it is introduced, the help is about those who call it by its right name.
    """
    (folder / "base.yaml").write_text(BASE)
    texts = [*(file.read_text() for file in CONFIGS), GRAMMAR]
    rng = random.Random(seed)
    while count:
        text = rng.choice(texts)
        word = rng.choice(list(WORD.finditer(text)))
        slip = rng.choice(one_edit(word[0]))
        (folder / "net.yaml").write_text(text[: word.start()] + slip + text[word.end() :])
        try:
            build(read_file(folder / "net.yaml"), host, drawn=False)
        except ConfigError as error:
            help = " ".join(diagnostic.help for diagnostic in error.diagnostics)
            if f"`{slip}`" in str(error) or f'"{slip}"' in str(error):
                count -= 1
                yield f"{slip} for {word[0]}", "" if word[0] in help or slip in help else str(error)
