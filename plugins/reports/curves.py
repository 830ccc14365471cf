"""Pictures in an HTML page without anything from elsewhere: curves as SVG, arrays as PNG in the page itself."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from html import escape
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Curve = list[tuple[float, float]]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 230, 58, 12, 12, 28
MOST = 400  # points of a curve that are drawn


def chart(title: str, curves: dict[str, Curve]) -> str:
    """Curves over the steps, in one figure with a legend; "" where nothing finite is to be shown."""
    finite = {name: [(x, y) for x, y in curve if math.isfinite(y)] for name, curve in curves.items()}
    shown = {name: _thinned(curve) for name, curve in finite.items() if curve}
    points = [point for curve in shown.values() for point in curve]
    if not points:
        return ""
    (left, right), (low, high) = (_range([point[axis] for point in points]) for axis in (0, 1))
    across, up = (WIDTH - LEFT - RIGHT) / (right - left), (HEIGHT - TOP - BOTTOM) / (high - low)

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + (x - left) * across, HEIGHT - BOTTOM - (y - low) * up

    grid = [_rule(at(left, y)[1], text) for y, text in ticks(low, high)]
    ends = _steps(min(x for x, _ in points), max(x for x, _ in points))
    lines = [_line([at(*point) for point in curve], number) for number, curve in enumerate(shown.values())]
    keys = [f'<span class="key k{number}">{escape(name)}</span>' for number, name in enumerate(shown) if name]
    legend = " ".join(keys)
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join([*grid, *ends, *lines])}</svg>'
    return f"<figure><figcaption><b>{escape(title)}</b> {legend}</figcaption>{svg}</figure>"


def _thinned(curve: Curve) -> Curve:
    """At most so many points, the last among them."""
    stride = -(-len(curve) // MOST)
    return curve[::-1][::stride][::-1]


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = 0.0 if high > low else abs(low) / 10 or 1.0
    return low - pad, high + pad


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Two to six round numbers between two, and how each is written so that it can be told from the next."""
    rough = (high - low) / 5
    if not math.isfinite(rough):
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    digits = max(3, math.ceil(math.log10(max(abs(low), abs(high)) / step)) + 1)
    values = [step * i for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    return [(value, f"{value:.{digits}g}") for value in values]


def _steps(first: float, last: float) -> list[str]:
    """What stands below: the steps that are shown, of which there may be one."""
    middle = (LEFT + WIDTH - RIGHT) / 2
    if first == last:
        return [_text(middle, HEIGHT - 8, f"step {first:,.0f}", "middle")]
    ends = [_text(LEFT, HEIGHT - 8, f"{first:,.0f}", "start"), _text(WIDTH - RIGHT, HEIGHT - 8, f"{last:,.0f}", "end")]
    return [*ends, _text(middle, HEIGHT - 8, "step", "middle")]


def _rule(height: float, text: str) -> str:
    rule = f'<path class="grid" d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}"/>'
    return rule + _text(LEFT - 6, height + 4, text, "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(points: list[tuple[float, float]], number: int) -> str:
    """A curve, or a dot where it is one point only."""
    if len(points) == 1:
        return f'<circle class="dot c{number}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/>'
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="curve c{number}" d="M{path}"/>'


def image(x: Array, title: str = "") -> str:
    """An array (H, W, 1) or (H, W, 3) as a picture, from its least value to its greatest."""
    x = np.nan_to_num(np.asarray(x, dtype=np.float64))
    low, high = x.min(), x.max()
    pixels = np.round(255 * (x - low) / (high - low or 1.0)).astype(np.uint8)
    data = base64.b64encode(_png(pixels)).decode()
    return f'<img alt="{escape(title)}" title="{escape(title)}" src="data:image/png;base64,{data}">'


def _png(pixels: Array) -> bytes:
    """Bytes of 1 or 3 channels as a file (PNG specification, ISO/IEC 15948)."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # each begins: as is
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
