"""The whole of a network file in JSON Schema: sections, nodes, and what each component takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from blockrun.plugins.data.take import Take
from blockrun.plugins.host import Host

from .components import component, full
from .hints import REFERENCE, Schema, of_hint, of_options

COUNT, AMOUNT = Annotated[int, Ge(1)], Annotated[float, Gt(0)]
NAME = "^[A-Za-z_][A-Za-z0-9_-]*$"
Dtype = Literal["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
ANY: Schema = {}
MAP: Schema = {"type": "object"}
VARIABLE: Schema = {"type": "string"}
RATE: Schema = {"$ref": "#/definitions/rate"}
VARIABLES: Schema = {"type": "array", "items": VARIABLE}


def schema(host: Host) -> Schema:
    """The schema of network files as the plugins of `host` extend it."""
    sections = {
        "blockrun": {"const": 1, "description": "The version of the format."},
        "extends": _either({"type": "string"}, {"type": "array", "items": {"type": "string"}}),
        "plugins": _map({"require": _strings(), "disable": _strings(), "local": _strings()}),
        "vars": _named(ANY),
        "inputs": _named({"$ref": "#/definitions/input"}),
        "templates": _named({"$ref": "#/definitions/template"}),
        "net": {"$ref": "#/definitions/nodes"},
        "metrics": _named({"$ref": "#/definitions/metric"}),
        "data": _data(),
        "train": {"$ref": "#/definitions/train"},
        "callbacks": _named({"$ref": "#/definitions/callback"}),
        "run": _run(),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a blockrun network",
        **_map(sections, required=["blockrun"]),
        "definitions": {
            "reference": {"type": "string", "pattern": "\\$"},
            "input": _input(),
            "nodes": {**_named({"$ref": "#/definitions/node"}), "minProperties": 1},
            "node": _node(host),
            **{f"node.{key}": value for key, value in _kept().items()},
            "metric": {"allOf": [{"$ref": "#/definitions/node"}, {"type": "object", "required": ["in"]}]},
            "template": _template(),
            "transform": component(host, "transforms", "transform", {"on": _either(VARIABLE, VARIABLES)}),
            "part": component(host, "sources", "source", _part()),
            "train": _train(host),
            "rate": _rate(host),
            "groups": {"type": "array", "items": _group()},
            "callback": component(host, "callbacks", "callback", {}),
        },
    }


def _map(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": required} if required else made


def _named(value: Schema) -> Schema:
    """A map from names that the user chose."""
    return {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": value}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, REFERENCE]}


def _strings() -> Schema:
    return {"type": "array", "items": {"type": "string"}}


def _run() -> Schema:
    hints: dict[str, Any] = {
        "seed": Annotated[int, Ge(0)], "dir": str, "name": str, "threads": COUNT,
        "dtype": Literal["float32", "float64"],
    }  # fmt: skip
    return _map({name: of_hint(hint) for name, hint in hints.items()})


def _input() -> Schema:
    sizes = {"type": "array", "items": of_hint(COUNT)}
    properties = {
        "shape": sizes, "dtype": of_hint(Dtype), "batch": of_hint(bool), "value": ANY, "from": {"type": "string"},
        "below": of_hint(COUNT),
    }  # fmt: skip
    needed = {"anyOf": [{"required": ["shape"]}, {"required": ["value"]}]}
    return {"anyOf": [sizes, {"allOf": [_map(properties), needed]}]}


def _node(host: Host) -> Schema:
    """A block by its name, a map with `block` and its options, or a map with `use` and the arguments of a template."""
    kept = {key: {"$ref": f"#/definitions/node.{key}"} for key in _kept()}
    block = component(host, "blocks", "block", kept)
    used = {"type": "object", "required": ["use"], "properties": {**kept, "use": {"type": "string"}}}
    return {"if": {"type": "object", "required": ["use"]}, "then": used, "else": block}


def _kept() -> dict[str, Schema]:
    """The keys that any node may have."""
    wired = _either(VARIABLE, VARIABLES, {"type": "object", "additionalProperties": _either(VARIABLE, VARIABLES)})
    inits = _either({"type": ["string", "number"]}, MAP)
    times = of_hint(Annotated[int, Ge(0)])
    repeat = {"times": times, "share": of_hint(bool), "first": MAP, "carry": MAP, "start": MAP, "each": MAP}
    return {
        "in": wired,
        "params": {"type": "object", "additionalProperties": VARIABLE},
        "share": VARIABLE,
        "repeat": _either(times, _map(repeat, required=["times"])),
        "when": of_hint(bool | Literal["train", "eval"]),
        "freeze": _either({"type": "boolean"}, {"type": "string"}, VARIABLES),
        "init": inits,
    }


def _data() -> Schema:
    parts: dict[str, Schema] = {part: {"$ref": "#/definitions/part"} for part in ("train", "val", "test")}
    transforms: Schema = {"type": "array", "items": {"$ref": "#/definitions/transform"}}
    loading = {"workers": of_hint(Annotated[int, Ge(0)]), "ahead": of_hint(COUNT)}
    return _map({**parts, "transforms": transforms, **loading})


def _part() -> Schema:
    """The keys that any part of the data may have."""
    options, required = of_options(Take)
    take = _either(options["fraction"], _map(options, required))
    return {"batch": of_hint(COUNT), "shuffle": of_hint(bool), "take": take}


def _template() -> Schema:
    wired = _either(VARIABLE, VARIABLES, MAP)
    parts = {"args": MAP, "in": wired, "out": wired, "net": {"$ref": "#/definitions/nodes"}}
    return _map(parts, required=["net"])


def _train(host: Host) -> Schema:
    every = {"epochs": of_hint(COUNT), "steps": of_hint(COUNT)}
    amounts = {"norm": of_hint(AMOUNT), "value": of_hint(AMOUNT)}
    pieces = _map({"pieces": of_hint(COUNT), "settle": of_hint(bool)}, required=["pieces"])
    weights = {"type": "object", "additionalProperties": of_hint(float), "minProperties": 1}
    properties = {
        "minimize": _either(VARIABLE, {**VARIABLES, "minItems": 1}, weights),
        **every,
        "optimizer": _optimizer(host),
        "clip": {**_map(amounts), "minProperties": 1, "maxProperties": 1},
        "accumulate": _either(of_hint(COUNT), pieces),
        "parallel": of_hint(COUNT),
        "average": of_hint(Annotated[float, Gt(0), Lt(1)]),
        "evaluate": {**_map(every), "minProperties": 1, "maxProperties": 1},
    }
    how_long = {"oneOf": [{"required": ["epochs"]}, {"required": ["steps"]}]}
    in_turn_or_at_once = {"not": {"required": ["accumulate", "parallel"]}}
    return {"allOf": [_map(properties, required=["optimizer"]), how_long, in_turn_or_at_once]}


def _optimizer(host: Host) -> Schema:
    others = {"lr": RATE, "l1": of_hint(Annotated[float, Ge(0)]), "groups": {"$ref": "#/definitions/groups"}}
    return component(host, "optimizers", "name", others)


def _rate(host: Host) -> Schema:
    """A learning rate, or a schedule of them."""
    schedule = {"allOf": [{"type": "object"}, *full(host, "schedules", "name", {})]}
    return _either({"type": "number", "exclusiveMinimum": 0}, schedule)


def _group() -> Schema:
    """What is different for some parameters; the options of the optimizer are not looked into."""
    own = {"match": VARIABLE, "lr": RATE, "lr_factor": of_hint(AMOUNT), "freeze": of_hint(bool)}
    return {"type": "object", "required": ["match"], "properties": {**own, "l1": of_hint(Annotated[float, Ge(0)])}}
