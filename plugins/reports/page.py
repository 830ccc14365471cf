"""A run as one HTML file that needs nothing else: no script, and nothing from the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from blockrun.plugins.errors import PluginError, UserError
from blockrun.plugins.network.network import Network
from blockrun.plugins.training.folder import RunFolder

from .curves import Curve, chart, image
from .graph import picture, to_mermaid, to_svg
from .mistakes import CLASSES, Mistakes, filters, mistakes

LIGHT = ("#2f6fb3", "#d1701f", "#2e8b57", "#a04aa8", "#b5403c", "#7a7a1e")
DARK = ("#6cabec", "#f09a50", "#62c48c", "#cf8ad6", "#ec837f", "#c4c45c")
STYLE = """
:root{color-scheme:light dark;--ink:#1d2126;--soft:#5c6670;--line:#d9dde2;--page:#fff;--panel:#f6f7f9}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7ea;--soft:#9aa4ae;--line:#3a4149;--page:#15181b;--panel:#1e2226}}
@media(prefers-color-scheme:dark){.paper{filter:invert(.88) hue-rotate(180deg)}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:64rem}
body{background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{margin:.2em 0;font-size:1.6rem}h2{margin:2rem 0 .6rem;font-size:1.15rem;border-bottom:1px solid var(--line)}
p{margin:.3rem 0}.soft{color:var(--soft);overflow-wrap:anywhere}
.wide{overflow-x:auto;background:var(--panel);border-radius:6px;padding:.7rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}
figure{margin:0;background:var(--panel);border-radius:6px;padding:.7rem}
figure>svg{display:block;width:100%;height:auto}.paper{background:#fff;max-height:85vh;overflow:auto}
.paper svg{display:block;margin:auto;height:auto;max-width:max(100%,24rem)}
.grid{stroke:var(--line)}.charts text{fill:var(--soft);font:12px system-ui,sans-serif}
.curve{fill:none;stroke-width:2;stroke-linejoin:round}.key{margin-left:.6em;font-size:.85rem}
.key:before{content:"";display:inline-block;width:.7em;height:.7em;margin-right:.3em;background:currentColor}
table{border-collapse:collapse}td,th{padding:.15rem .6rem;text-align:left;vertical-align:top}
.wide:has(table){width:fit-content;max-width:100%}
.matrix td,.matrix th{text-align:right;padding:.15rem .4rem;min-width:2.2em;font-variant-numeric:tabular-nums}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem}.tiles div{text-align:center;font-size:.8rem;color:var(--soft)}
img{display:block;width:64px;height:64px;object-fit:contain;image-rendering:pixelated}
pre{margin:0;font:13px/1.45 ui-monospace,monospace}
@media(max-width:30rem){.charts text{font-size:16px}td,th{padding:.15rem .4rem}td{overflow-wrap:anywhere}
.matrix{font-size:.72rem}.matrix td,.matrix th{padding:.15rem .2rem;overflow-wrap:normal}
.matrix tr>:first-child{min-width:0}}
"""


def report(folder: RunFolder, network: Network) -> str:
    """The page of a run, with the network as its checkpoint `folder.checkpoint` has it."""
    name = folder.path.parent.name
    colours = f"{_colours(LIGHT)}@media(prefers-color-scheme:dark){{{_colours(DARK)}}}"
    view = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f"<head>{view}<title>{escape(name)}</title><style>{STYLE}{colours}</style></head>"
    return f'<!DOCTYPE html><html lang="en">{head}<body>{"".join(_body(folder, network))}</body></html>\n'


def _colours(colours: Iterable[str]) -> str:
    return "".join(f".c{i}{{stroke:{c}}}.dot.c{i}{{fill:{c}}}.k{i}{{color:{c}}}" for i, c in enumerate(colours))


def _body(folder: RunFolder, network: Network) -> Iterator[str]:
    yield from _title(folder)
    yield from _section("Results", _table(_figures(folder)))
    yield from _section("Training", _charts(folder.rows() if folder.metrics.is_file() else []))
    try:
        for found in mistakes(network):
            yield from _mistakes(found)
    except UserError as error:  # data that are no longer there
        yield from _section("Mistakes", f'<p class="soft">not measured: {escape(error.message)}</p>')
    for node, W in filters(network):
        yield from _section(f"Filters of {node}", _tiles((w, "") for w in W))
    yield from _section("Network", _graph(network))
    resolved = folder.path / "cfg.resolved.yaml"
    if resolved.is_file():
        yield from _section("Configuration", _pre(resolved.read_text(errors="replace")))
    yield from _section("Environment", _table(_plain(folder.info.get("environment", {}))))


def _section(title: str, inside: str) -> Iterator[str]:
    if inside:
        yield f"<section><h2>{escape(title)}</h2>{inside}</section>"


def _title(folder: RunFolder) -> Iterator[str]:
    info = folder.info
    about = [f"{info[key]:,} {key}" for key in ("parameters", "steps") if isinstance(info.get(key), int)]
    about += [f"{info['seconds']:,.1f} seconds"] if "seconds" in info else []
    about = [f"<b>{escape(str(info.get('status')))}</b>", *map(escape, [*filter(None, [info.get("reason")]), *about])]
    yield f"<h1>{escape(folder.path.parent.name)}</h1><p>{' · '.join(about)}</p>"
    facts = f"{folder.path.name}, started {info.get('started')}, seed {info.get('seed')}, from {info.get('file')}"
    yield f'<p class="soft">{escape(facts)} {escape(" ".join(info.get("overrides", [])))}</p>'


def _figures(folder: RunFolder) -> dict[str, str]:
    part, results = folder.info.get("part", ""), folder.info.get("results", {})
    return {f"{part} {name}": f"{x:.6g}" for name, x in results.items() if isinstance(x, (int, float))}


def _charts(rows: list[dict[str, Any]]) -> str:
    """A figure for everything that is measured, its parts together, and one for the learning rate."""
    found: dict[str, dict[str, Curve]] = {}
    for row in rows:
        for part in ("train", "val"):
            for name, value in row.get(part, {}).items():
                if isinstance(value, (int, float)):
                    found.setdefault(name, {}).setdefault(part, []).append((row["step"], value))
        if isinstance(row.get("lr"), (int, float)):
            found.setdefault("learning rate", {}).setdefault("", []).append((row["step"], row["lr"]))
    if "learning rate" in found:  # last
        found["learning rate"] = found.pop("learning rate")
    drawn = "".join(chart(name, curves) for name, curves in found.items())
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _mistakes(found: Mistakes) -> Iterator[str]:
    right, classes = int(found.confusion.trace()), len(found.confusion)
    share = f"{100 * right / found.count:.2f} %" if found.count else "none"
    told = f"<p>{right:,} of {found.count:,} examples of the {found.part} part are right ({share}).</p>"
    if classes <= CLASSES:
        told += f'<p class="soft">A row for each label, a column for each prediction.</p>{_matrix(found.confusion)}'
    yield from _section(f"Confusion matrix of {found.node}", told)
    if found.worst:
        tiles = _tiles((x, f"{label} → {said}") for x, label, said in found.worst)
        yield from _section("Worst examples", f'<p class="soft">The label, and what was said instead.</p>{tiles}')


def _matrix(confusion: Any) -> str:
    classes = range(len(confusion))
    most = max(int(confusion.max()), 1)
    heading = "".join(f"<th>{k}</th>" for k in classes)
    rows = "".join(
        f"<tr><th>{i}</th>{''.join(_cell(int(confusion[i, j]), i == j, most) for j in classes)}</tr>" for i in classes
    )
    return f'<div class="wide"><table class="matrix"><tr><th></th>{heading}</tr>{rows}</table></div>'


def _cell(count: int, right: bool, most: int) -> str:
    colour = "46,139,87" if right else "209,112,31"
    shade = 0.0 if not count else 0.12 + 0.5 * (count / most) ** 0.5
    return f'<td style="background:rgba({colour},{shade:.2f})">{count or ""}</td>'


def _tiles(pictures: Iterable[tuple[Any, str]]) -> str:
    return f'<div class="tiles">{"".join(f"<div>{image(x, text)}{escape(text)}</div>" for x, text in pictures)}</div>'


def _graph(network: Network) -> str:
    """Drawn by `dot` where it is installed, else as the text of Mermaid."""
    drawn = picture(network)
    try:
        svg = to_svg(drawn)
    except PluginError:
        return _pre(to_mermaid(drawn))
    return f'<div class="wide paper">{svg[svg.index("<svg") :]}</div>'


def _pre(text: str) -> str:
    return f'<div class="wide"><pre>{escape(text)}</pre></div>'


def _plain(info: Any) -> dict[str, str]:
    shown = {key: ", ".join(map(str, x)) if isinstance(x, list) else str(x) for key, x in info.items()}
    return {str(key): value for key, value in shown.items()}


def _table(rows: dict[str, str]) -> str:
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
    return f'<div class="wide"><table>{cells}</table></div>' if rows else ""
