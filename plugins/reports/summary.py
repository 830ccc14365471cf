"""The summary: what each node of a network reads, makes, learns and costs, and the totals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from blockrun.core import Block, Node, Spec
from blockrun.core.shapes import parse_shapes, show_shape
from blockrun.plugins.network.network import Network

from .copies import collapsed
from .rows import Pair, Row
from .tables import aligned

HEADS = ("node", "block", "reads", "shape", "parameters", "state", "multiply-adds", "receptive field")
NUMBERS = (4, 5, 6)  # the columns that are set to the right


@dataclass(frozen=True)
class Summary:
    """The rows in the order of the graph, and totals: numbers learned and carried, multiply-adds per example, bytes."""

    rows: tuple[Row, ...]
    parameters: int
    state: int
    multiply_adds: int
    bytes: int
    frozen: int = 0  # of the parameters

    def __str__(self) -> str:
        return self.text()

    def text(self, collapse: bool = True) -> str:
        """The table and the totals; the copies of a `repeat` that are alike in one row unless told otherwise."""
        total = f"{_counted(self.parameters, self.frozen)}, {self.state:,} state, {self.bytes:,} bytes"
        table = _table(collapsed(self.rows) if collapse else self.rows)
        return f"{table}\n{total}; {self.multiply_adds:,} multiply-adds per example"

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        data = asdict(self)
        return {"nodes": data.pop("rows"), "totals": data}


def summarise(network: Network) -> Summary:
    """Count what `network` learns, carries and computes; every parameter once, with the node that uses it first."""
    fields = _receptive_fields(network)
    uncounted = {*network.params, *network.state}
    states = _state_names(network)
    rows = []
    for node in network.graph.nodes:
        variables = {name: states.get(v, v) for name, v in node.params.items()}
        own = [v for v in variables.values() if v in uncounted]
        uncounted.difference_update(own)
        rows.append(_row(network, node, {k: v for k, v in variables.items() if v not in own}, own, fields))
    arrays = [*network.params.values(), *network.state.values()]
    return Summary(
        tuple(rows),
        parameters=sum(array.size for array in network.params.values()),
        state=sum(array.size for array in network.state.values()),
        multiply_adds=sum(row.multiply_adds or 0 for row in rows),
        bytes=sum(array.nbytes for array in arrays),
        frozen=sum(row.frozen for row in rows),
    )


def _counted(parameters: int, frozen: int) -> str:
    return f"{parameters:,} parameters" + (f" ({frozen:,} frozen)" if frozen else "")


def _row(network: Network, node: Node, shared: dict[str, str], own: list[str], fields: Mapping[str, _Field]) -> Row:
    shape = tuple(network.assembly.specs[node.name].shape)
    field = fields.get(node.name)
    return Row(
        node=node.name,
        block=node.block.name,
        reads=tuple(variable for variable in node.inputs if variable is not None),
        shape=tuple(None if i == 0 and size == 0 else size for i, size in enumerate(shape)),
        parameters=sum(network.params[v].size for v in own if v in network.params),
        state=sum(network.state[v].size for v in own if v in network.state),
        shared=shared,
        multiply_adds=_multiply_adds(network, node, shape),
        receptive_field=field.size if field is not None and field.windows else None,
        frozen=sum(network.params[v].size for v in own if v in network.params and v in network.frozen),
    )


def _state_names(network: Network) -> dict[str, str]:
    """For the updates of state, which nodes that share it read in its place: the state that was made."""
    names: dict[str, str] = {}
    for node in network.graph.nodes:
        names |= {after: names.get(before, before) for before, after in node.updates.items()}
    return names


def _multiply_adds(network: Network, node: Node, shape: tuple[int, ...]) -> int | None:
    """Every position of the output takes all of each matrix once.

    Where the block is the transpose of one that does, every position of what it reads takes all of it once.
    """
    specs = {name: network.assembly.specs[v] for name, v in node.params.items()}
    taken = [math.prod(spec.shape) for name, spec in specs.items() if _is_matrix(node.block, name, spec, shape)]
    if not taken:
        return None
    if _is_transposed(node.block):
        shape = tuple(network.assembly.specs[node.reads[0]].shape)
    return math.prod(shape[1 if shape[0] == 0 else 0 : -1]) * sum(taken)


def _is_matrix(block: Block, name: str, spec: Spec, shape: tuple[int, ...]) -> bool:
    """Whether a parameter has a row, or a few, for each number at a position of the output, as its notation says."""
    if len(spec.shape) < 2 or not shape:
        return False
    if block.shapes is None:
        return shape[-1] == spec.shape[0]
    pattern = parse_shapes(block.shapes)
    rows, made = pattern.inputs.get(name, ("",))[0], next(iter(pattern.outputs.values()))[-1:]
    return rows.rpartition("*")[2] in made


@dataclass(frozen=True)
class _Field:
    """What one position sees of the input: `size` in pixels, `step` from one position to the next, both per axis."""

    size: Pair = (1, 1)
    step: Pair = (1, 1)
    windows: int = 0  # how many have slid over the image

    def slide(self, block: Block) -> _Field:
        """What one position after `block`, a window, sees (Araujo, Norris and Sim 2019)."""
        kernel = _pair(_kernel(block))
        stride = _pair(getattr(block, "stride", None) or kernel)
        dilation = _pair(getattr(block, "dilation", 1))
        size = [s + (k - 1) * d * j for s, k, d, j in zip(self.size, kernel, dilation, self.step, strict=True)]
        step = [j * s for j, s in zip(self.step, stride, strict=True)]
        return _Field((size[0], size[1]), (step[0], step[1]), self.windows + 1)


def _receptive_fields(network: Network) -> dict[str, _Field]:
    """For every image (N, H, W, C) made from an input through windows and blocks that leave the positions alone.

    Not where one of the images that a block reads comes from elsewhere, nor after windows that write in place of read:
    what they see differs from one position to the next.
    """
    shapes = {name: tuple(spec.shape) for name, spec in network.assembly.specs.items()}
    fields = {name: _Field() for name in network.inputs if _is_image(shapes.get(name, ()))}
    for node in network.graph.nodes:
        read = [v for v in node.inputs if v is not None and _is_image(shapes[v])]
        if not read or not fields.keys() >= set(read) or not _is_image(shapes[node.name]) or _is_transposed(node.block):
            continue
        widest = max((fields[v] for v in read), key=lambda field: field.size)
        if _slides(node.block):
            fields[node.name] = widest.slide(node.block)
        elif shapes[node.name][1:3] == shapes[read[0]][1:3]:
            fields[node.name] = widest
    return fields


def _is_transposed(block: Block) -> bool:
    """Whether a window of the block writes what that of another reads."""
    return bool(getattr(block, "transposed", False))


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[0] == 0


def _slides(block: Block) -> bool:
    return hasattr(block, "stride") and isinstance(_kernel(block), int | tuple)


def _kernel(block: Block) -> Any:
    """The size of the window of a block that has one: convolutions call it kernel, pooling size."""
    return getattr(block, "kernel", None) or getattr(block, "size", None)


def _pair(value: Any) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _table(rows: tuple[Row, ...]) -> str:
    """Aligned columns; those in which no node has anything are left out."""
    table = [HEADS, *(_cells(row) for row in rows)]
    used = [i for i in range(len(HEADS)) if i < 4 or any(cells[i] for cells in table[1:])]
    right = [place for place, i in enumerate(used) if i in NUMBERS]
    return aligned([[cells[i] for i in used] for cells in table], right)


def _cells(row: Row) -> tuple[str, ...]:
    shape = show_shape(tuple(size or 0 for size in row.shape))
    own = f"{row.parameters:,}" if row.parameters else ""
    if row.frozen:
        own += " frozen" if row.frozen == row.parameters else f" ({row.frozen:,} frozen)"
    parameters = " ".join(filter(None, [own, *(f"={variable}" for variable in row.shared.values())]))
    state = f"{row.state:,}" if row.state else ""
    products = "" if row.multiply_adds is None else f"{row.multiply_adds:,}"
    field = "×".join(map(str, row.receptive_field)) if row.receptive_field else ""
    return row.node, row.block, ", ".join(row.reads), shape, parameters, state, products, field
