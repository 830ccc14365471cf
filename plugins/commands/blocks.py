"""`blockrun blocks`: every block that is installed, or everything about one."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from blockrun.plugins.host import Host
from blockrun.plugins.offers import Offer

from .text import columns


@click.command("blocks")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.option("--docs", type=click.Path(path_type=Path), metavar="FOLDER", help="Write a page for each family there.")
@click.pass_obj
def blocks(host: Host, name: str | None, as_json: bool, docs: Path | None) -> None:
    """List the blocks, or show one: options, inputs, derivative, YAML.

    NAME is a block, or a pattern such as 'conv*' or 'blockrun-swish/*'.

    \b
    blockrun blocks
    blockrun blocks conv2d
    blockrun blocks '*pool*' --json
    """
    offers = host.offers("blocks")
    chosen = sorted(known for known, offer in offers.items() if name is None or _fits(known, offer, name))
    if docs is not None:
        _write_docs(host, chosen, docs)
    elif name is not None and len(chosen) < 2:
        _show(host, chosen[0] if chosen else name, as_json)
    elif as_json:
        click.echo(json.dumps([_entry(known, offers[known]) for known in chosen], indent=2))
    else:
        click.echo(_listing({known: offers[known] for known in chosen}))


def _fits(known: str, offer: Offer, pattern: str) -> bool:
    return fnmatchcase(known, pattern) or fnmatchcase(offer.full_name, pattern)


def family(offer: Offer) -> str:
    """What a block is akin to: the file that it lives in, or in a package of `blocks` what stands first below that."""
    parts = offer.module.split(".")
    return parts[parts.index("blocks") + 1] if "blocks" in parts[:-1] else parts[-1]


def _entry(name: str, offer: Offer) -> dict[str, str]:
    return {"name": name, "provider": str(offer.plugin), "module": offer.module, "family": family(offer)}


def _listing(offers: dict[str, Offer]) -> str:
    """By provider, ours first, then by family."""
    providers = sorted({(not o.plugin.own, str(o.plugin)) for o in offers.values()})
    parts = []
    for _, provider in providers:
        families: dict[str, list[str]] = {}
        for name, offer in offers.items():
            if str(offer.plugin) == provider:
                families.setdefault(family(offer), []).append(name)
        rows = [(label, ", ".join(names)) for label, names in sorted(families.items())]
        parts.append("\n".join([provider, *columns(rows)]))
    return "\n\n".join(parts)


def _write_docs(host: Host, names: list[str], folder: Path) -> None:
    from .block_docs import write_docs
    from .block_page import describe_block

    pages: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        offer = host.offer("blocks", name)
        pages.setdefault(family(offer), []).append(describe_block(host.find("blocks", name), _entry(name, offer)))
    for path in write_docs(folder, dict(sorted(pages.items()))):
        click.echo(f"{path} written")


def _show(host: Host, name: str, as_json: bool) -> None:
    from .block_page import describe_block, render

    cls = host.find("blocks", name)
    page = describe_block(cls, _entry(name, host.offer("blocks", name)))
    click.echo(json.dumps([page], indent=2, ensure_ascii=False) if as_json else render(page))
