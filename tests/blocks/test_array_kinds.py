"""Blocks run on any array that speaks NumPy's dispatch protocol (contract, rule 10), such as those of a GPU.

No GPU is needed to know: an array type that only speaks the protocol, and refuses to become a NumPy array or to mix
with one, stands in for it.
"""

import numpy as np
import pytest

from blockrun.core import Block, Graph, Node, backward, forward
from blockrun.plugins.host import load_host
from blockrun.plugins.testing.examples import find_cases
from blockrun.plugins.testing.kit import random_for

HOST = load_host(entry_points=False)
METHODS = {
    *("all", "any", "argmax", "astype", "clip", "copy", "cumsum", "max", "mean", "min", "prod", "ravel", "repeat"),
    *("reshape", "squeeze", "std", "sum", "swapaxes", "take", "transpose", "var", "view"),
}


class Elsewhere(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that is somewhere else: only ufuncs, dispatched functions and the methods of arrays reach it."""

    def __init__(self, data):
        self.data = data

    def __array__(self, *args, **kwargs):
        raise TypeError("an array from elsewhere was turned into a NumPy array")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        refuse_mixtures(inputs)
        out = {} if out is None else {"out": tuple(here(x) for x in out)}
        return there(getattr(ufunc, method)(*map(here, inputs), **out, **{k: here(v) for k, v in kwargs.items()}))

    def __array_function__(self, function, types, args, kwargs):
        if function is np.asarray:  # `like=`: the one way in
            return there(np.array(args[0]))
        refuse_mixtures(flat(args))
        return there(function(*here(args), **here(kwargs)))

    def __getattr__(self, name):
        if name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes", "strides"):
            return getattr(self.data, name)
        if name in ("T", "mT", "flat"):
            return there(getattr(self.data, name))
        if name in METHODS:
            return lambda *args, **kwargs: there(getattr(self.data, name)(*here(args), **here(kwargs)))
        raise AttributeError(f"arrays from elsewhere have no {name}")

    def __getitem__(self, key):
        return there(self.data[here(key)])

    def __setitem__(self, key, value):
        refuse_mixtures([value])
        self.data[here(key)] = here(value)

    def __len__(self):
        return len(self.data)

    def __int__(self):
        return int(self.data)

    def __float__(self):
        return float(self.data)

    def __bool__(self):
        return bool(self.data)

    def __format__(self, spec):
        return format(self.data, spec)


def flat(x):
    if isinstance(x, (tuple, list)):
        for part in x:
            yield from flat(part)
    else:
        yield x


def refuse_mixtures(values):
    for value in values:
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError("a NumPy array was mixed with an array from elsewhere")


def here(x):
    """`x` with every array in it as NumPy's."""
    if isinstance(x, Elsewhere):
        return x.data
    if isinstance(x, dict):
        return {key: here(value) for key, value in x.items()}
    return type(x)(here(part) for part in x) if type(x) in (tuple, list) else x


def there(x):
    """`x` with every array in it from elsewhere."""
    if isinstance(x, (np.ndarray, np.generic)):
        return Elsewhere(np.asarray(x))
    return type(x)(there(part) for part in x) if type(x) in (tuple, list) else x


def run(case, arrays, dy):
    variables = tuple(case.variables.values())
    values, tape = forward(case.graph, arrays, keep=variables, wrt=case.wrt, training=case.training, seed=case.seed)
    seeds = {case.variables[name]: value for name, value in dy.items()}
    return values, backward(tape, seeds, case.wrt) if case.wrt else {}


@pytest.mark.parametrize("name", HOST.names("blocks"))
def test_a_block_gives_the_same_bits_on_arrays_from_elsewhere(name):
    cls = HOST.find("blocks", name)
    for case in find_cases(cls, random_for(cls, 0)).cases:
        dy = case.cotangents(np.random.default_rng(0))
        expected = run(case, case.arrays, dy)
        found = run(case, {k: there(np.array(x)) for k, x in case.arrays.items()}, {k: there(v) for k, v in dy.items()})
        for right, got in zip(expected, found, strict=True):
            for key, value in right.items():
                assert isinstance(got[key], Elsewhere), f"{key} came back as a {type(got[key]).__name__}"
                np.testing.assert_allclose(got[key].data, value, rtol=1e-12, atol=1e-14, err_msg=key)


def test_a_block_that_makes_numpy_arrays_is_caught():
    class Home(Block):
        def forward(self, ctx, x):
            return x + np.zeros(x.shape), None

    with pytest.raises(TypeError, match="mixed with an array from elsewhere"):
        forward(Graph([Node("y", Home(), ("x",))]), {"x": there(np.ones(3))}, keep=("y",))
