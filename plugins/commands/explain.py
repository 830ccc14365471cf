"""`blockrun explain`: what an error code means, with a small file that has the error and its correction."""

from __future__ import annotations

import json
from typing import Any

import click

from .text import columns, hanging


@click.command("explain")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def explain(code: str | None, as_json: bool) -> None:
    """Say what an error code means, with an example and its correction.

    Without CODE, list all codes.

    \b
    blockrun explain
    blockrun explain E030
    """
    from blockrun.plugins.network.codes import CODES

    chosen = list(CODES) if code is None else [_known(code, list(CODES))]
    if as_json:
        click.echo(json.dumps([_as_data(known) for known in chosen], indent=2, ensure_ascii=False))
    elif code is None:
        click.echo("\n".join(columns([(known, CODES[known]) for known in chosen])))
    else:
        click.echo(_page(chosen[0]))


def _known(code: str, codes: list[str]) -> str:
    """The code that is meant: `error[E030]`, `warning[W101]`, `e030` and `30` will do as well."""
    from blockrun.plugins.errors import UsageError
    from blockrun.plugins.suggest import closest

    bare = code.strip().removeprefix("error").removeprefix("warning").strip("[]:").upper()
    found = bare if bare.startswith("W") else f"E{bare.removeprefix('E').zfill(3)}"
    if found in codes:
        return found
    near = closest(found, codes)
    meant = f"did you mean `{near}`? " if near else ""
    raise UsageError(f"unknown error code `{code}`", help=f"{meant}`blockrun explain` lists all codes")


def _as_data(code: str) -> dict[str, Any]:
    from blockrun.plugins.network.codes import CODES
    from blockrun.plugins.network.explanations import EXPLANATIONS

    known = EXPLANATIONS[code]
    return {
        "code": code,
        "meaning": CODES[code],
        "explanation": known.text,
        "wrong": {"file": known.wrong, "overrides": known.overrides},
        "right": {"file": known.right, "overrides": known.right_overrides},
        "files": dict(known.files),
    }


def _page(code: str) -> str:
    from blockrun.plugins.network.codes import CODES
    from blockrun.plugins.network.explanations import EXPLANATIONS

    known = EXPLANATIONS[code]
    parts = [
        hanging(f"{code}: ", CODES[code]),
        hanging("", known.text),
        "wrong\n" + _shown(known.wrong, known.overrides),
        "right\n" + _shown(known.right, known.right_overrides),
        *(f"{name}, which stands beside it\n{_indented(text)}" for name, text in known.files.items()),
    ]
    return "\n\n".join(parts)


def _shown(text: str, overrides: tuple[str, ...]) -> str:
    """A network file, with what follows it on the command line."""
    given = " ".join(f"'{override}'" if " " in override else override for override in overrides)
    return _indented(text) + (f"\n\n  with {given} after the file on the command line" if given else "")


def _indented(text: str) -> str:
    from blockrun.plugins.network.diagnostics import showable

    return "\n".join(f"  {showable(line)}".rstrip() for line in text.splitlines())
