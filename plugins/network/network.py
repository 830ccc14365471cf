"""A network ready to run: the graph of a file, with its parameters and state as plain arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blockrun.core import Graph, Node, backward, forward
from blockrun.core.assemble import Assembly
from blockrun.core.shapes import show_shape
from blockrun.plugins.errors import UserError
from blockrun.plugins.host import Host
from blockrun.plugins.training.inits import fan_of
from blockrun.plugins.training.seeds import derive

from .diagnostics import ConfigError, Diagnostic
from .document import Document
from .experiment import Input, Sections
from .origins import Origin, origin
from .paths import relative

if TYPE_CHECKING:
    from blockrun.plugins.training.run import Run

Array = np.ndarray[Any, Any]
FEEDS = {"f": "fiub", "i": "iub", "u": "iub", "b": "iub"}  # the kinds of array that a kind of input takes


@dataclass(frozen=True)
class Mode:
    """What runs in training, or in evaluation: a graph with everything known of it, and what of it is minimised."""

    assembly: Assembly
    objective: dict[str, float]


class StartError(UserError):
    """An initialiser that cannot start the parameter that it is for; `cause` is what it says, `parameter` its name."""

    def __init__(self, parameter: str, init: str, cause: Exception) -> None:
        super().__init__(f"`{parameter}` cannot start as `{init}`: {cause}", getattr(cause, "help", ""))
        self.parameter, self.cause = parameter, cause


@dataclass
class Network:
    """What a network file describes.

    graph      the executable graph
    inputs     what is fed, by name
    params     the learned parameters by name, plain arrays; assign into it or replace entries
    state      the carried arrays by name, such as running means
    objective  {variable: weight}: what is minimised is the weighted sum
    metrics    the nodes that measure, by name
    frozen     the parameters and state that training leaves as they are
    """

    document: Document
    host: Host
    sections: Sections
    assembly: Assembly
    objective: dict[str, float]
    metrics: dict[str, Node]
    resolved: dict[str, Any]  # the file with overrides and references put in
    local_code: tuple[Path, ...] = ()
    frozen: frozenset[str] = frozenset()
    evaluation: Mode | None = None  # where that is not as in training
    drawn: bool = True  # or parameters and state are 0, for those that are loaded instead
    params: dict[str, Array] = field(default_factory=dict)
    state: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.initialise(self.sections.run.seed)

    @property
    def graph(self) -> Graph:
        return self.assembly.graph

    def mode(self, training: bool) -> Mode:
        """What runs in training, or in evaluation."""
        return Mode(self.assembly, self.objective) if training or self.evaluation is None else self.evaluation

    @property
    def inputs(self) -> dict[str, Input]:
        return self.sections.inputs

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.sections.run.dtype)

    def initialise(self, seed: int) -> None:
        """Set every parameter and state to its initial value; each depends on `seed` and its own name alone."""
        params, state = dict(self.assembly.params), dict(self.assembly.state)
        if self.evaluation is not None:
            params = {**self.evaluation.assembly.params, **params}
            state = {**self.evaluation.assembly.state, **state}
        self.params = {name: self._initial(name, wish, seed) for name, wish in params.items()}
        self.state = {name: self._initial(name, wish, seed) for name, wish in state.items()}

    def _initial(self, name: str, wish: Any, seed: int) -> Array:
        kind, options = wish.init, {}
        if isinstance(kind, Mapping):
            options = {key: value for key, value in kind.items() if key != "name"}
            kind = kind["name"]
        elif not isinstance(kind, str):
            kind, options = "constant", {"value": float(kind)}
        if not self.drawn:
            return np.zeros(wish.shape, wish.dtype or self.dtype)
        rng = np.random.default_rng(derive(seed, "init", name))
        init = relative(self.host.find("inits", kind)(**options), self.document.folder).of(name)
        try:
            made: Array = init(rng, tuple(wish.shape), fan_of(tuple(wish.shape), wish.fan), wish.dtype or self.dtype)
        except (UserError, ValueError) as error:
            raise StartError(name, kind, error) from None
        return made

    def origin(self, *path: str | int) -> Origin:
        """Where the value at `path` comes from, such as ("net", "layers/0/fc", "units")."""
        return origin(self.document, path)

    def feed(self, data: Mapping[str, Any]) -> dict[str, Array]:
        """`data` as the graph wants it: cast to the declared dtypes, constants added, shapes checked.

        An input that is not given is left out, since what is computed may not depend on it. Raises `UserError` naming
        the input that does not fit.
        """
        fed: dict[str, Array] = {}
        for name, wanted in self.inputs.items():
            if name in data:
                fed[name] = self._fit(name, wanted, data[name])
            elif wanted.value is not None:
                fed[name] = np.asarray(wanted.value, dtype=wanted.dtype)
        return fed

    def feed_fields(self, fields: Mapping[str, Any]) -> dict[str, Array]:
        """The feed from the fields of a data source, each input from the field that it names with `from`."""
        sources = {name: wanted.source for name, wanted in self.inputs.items() if wanted.value is None}
        return self.feed({name: fields[source] for name, source in sources.items() if source in fields})

    def _fit(self, name: str, wanted: Input, value: Any) -> Array:
        array = np.asarray(value)
        if array.dtype.kind not in FEEDS[np.dtype(wanted.dtype).kind]:
            raise UserError(f"input `{name}` is {array.dtype}, which cannot be {wanted.dtype} without loss")
        shape = array.shape[1:] if wanted.batch else array.shape
        if shape != wanted.shape or (wanted.batch and not array.ndim):
            there = "(N" + "".join(f", {size}" for size in wanted.shape) + ")" if wanted.batch else str(wanted.shape)
            raise UserError(f"input `{name}` has shape {array.shape}; it must be {there}")
        return array.astype(wanted.dtype, copy=False)

    def forward(
        self, feed: Mapping[str, Any], keep: Iterable[str] | None = None, training: bool = False
    ) -> dict[str, Array]:
        """The values of the variables `keep`, by default of every node, for the inputs `feed`."""
        graph = self.mode(training).assembly.graph
        wanted = tuple(keep) if keep is not None else tuple(node.name for node in graph.nodes)
        return forward(graph, self._everything(feed), keep=wanted, training=training)[0]

    def gradients(
        self, feed: Mapping[str, Any], wrt: Iterable[str] | None = None, training: bool = True, seed: int = 0
    ) -> dict[str, Array]:
        """The gradients of the objective with respect to `wrt`: by default all parameters that are not frozen.

        Raises `UserError` if what is minimised is not a scalar.
        """
        self.require_scalar()
        wanted = tuple(wrt) if wrt is not None else tuple(name for name in self.params if name not in self.frozen)
        mode, fed = self.mode(training), self._everything(feed)
        keep = tuple(mode.objective)
        _, tape = forward(mode.assembly.graph, fed, keep=keep, wrt=wanted, training=training, seed=seed)
        return backward(tape, mode.objective, wanted)

    def require_scalar(self) -> None:
        """Raise `UserError` unless everything that is minimised is a scalar; a file without `train` may have others."""
        help = "end the net with a loss such as sum_of_squares, or name one with `train.minimize`"
        for name in self.objective:
            spec = self.assembly.specs[name]
            if spec.shape != ():
                fact = f"`{name}` has shape {show_shape(tuple(spec.shape))}; only a scalar can be differentiated"
                place = self.document.place(("net", name.partition(".")[0]))
                raise ConfigError([Diagnostic("E036", fact, place.key if place else None, "not a scalar", help)])

    def _everything(self, feed: Mapping[str, Any]) -> dict[str, Array]:
        return {**self.params, **self.state, **self.feed(feed)}

    def fit(self, data: Mapping[str, Any] | None = None, **options: Any) -> Run:
        """Train as the file says, in a new run folder; the parameters are then the trained ones.

        `data` takes the place of the file's: arrays by field, `{"x": x, "label": label}`, for training, or such a map
        for each of `train`, `val` and `test`. The run keeps them. Raises `DataError` or `ConfigError` if they do not
        fit.
        """
        from blockrun.plugins.data.arrays import handed_over
        from blockrun.plugins.training.run import train

        from .build import build

        if data is not None:
            self.sections = build(self.document, self.host, drawn=False, given=handed_over(data)).sections
        return train(self, **options)

    def summary(self) -> str:
        """A table of the nodes: block, what they read, output shape, parameters, multiply-adds, and the totals."""
        from blockrun.plugins.reports.summary import summarise

        return str(summarise(self))

    def __repr__(self) -> str:
        return self.summary()
