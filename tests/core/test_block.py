"""What defining a block gives its author: options that are checked, names that are read off, clashes refused."""

import dataclasses
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Lt

from blockrun.core import Block, Param
from blockrun.core.block import snake_case
from blockrun.core.options import OptionError, Options, describe


class Window(Block):
    """Options of every kind."""

    size: Annotated[int, Ge(1)] | tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]]
    pad: Literal["same", "valid"] | int = "valid"
    p: Annotated[float, Ge(0), Lt(1)] = 0.5
    names: tuple[str, ...] = ()

    def forward(self, ctx, x):
        return x, None


def test_a_block_is_a_frozen_dataclass_of_its_options():
    block = Window(size=3)
    assert block == Window(size=3)
    assert hash(block) == hash(Window(size=3))
    assert repr(block) == "Window(size=3, pad='valid', p=0.5, names=())"
    with pytest.raises(dataclasses.FrozenInstanceError):
        block.size = 4


def test_lists_become_tuples_and_integers_become_floats():
    block = Window(size=[2, 3], p=0, names=["a", "b"])
    assert block.size == (2, 3)
    assert isinstance(block.p, float)
    assert block.names == ("a", "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "`size` is 0; it must be an integer, at least 1, or a list of 2"),
        ({"size": True}, "`size` is true; it must be an integer"),
        ({"size": [1, 2, 3]}, r"`size` is \[1, 2, 3\]; it must be"),
        ({"size": 1.0}, "`size` is 1.0; it must be an integer"),
        ({"size": 1, "pad": "full"}, '`pad` is "full"; it must be `same` or `valid`, or an integer'),
        ({"size": 1, "p": 1.0}, "`p` is 1.0; it must be a number, at least 0, less than 1"),
        ({"size": 1, "p": "0.5"}, '`p` is "0.5"; it must be a number'),
        ({"size": 1, "p": float("nan")}, "`p` is nan"),
    ],
)
def test_a_wrong_option_says_what_it_is_and_what_would_be_right(options, message):
    with pytest.raises(OptionError, match=message):
        Window(**options)


def test_input_names_are_read_off_the_signatures():
    class Mix(Block):
        def params(self, x, mask=None):
            return {"W": Param((2,))}

        def forward(self, ctx, x, mask=None, *, W, b=None):
            return x, None

    signature = Mix.signature
    assert signature.data == ("x", "mask")
    assert signature.optional == {"mask"}
    assert signature.made == ("W", "b")
    assert signature.required == {"x", "W"}
    assert signature.names == ("x", "mask", "W", "b")


def test_any_number_of_inputs_share_the_name_of_the_variadic_one():
    class Many(Block):
        def forward(self, ctx, a, *xs):
            return a, None

    assert Many.signature.bind(3) == ("a", "xs", "xs")
    with pytest.raises(ValueError, match=r"0 inputs given, 1 or more wanted: a, \*xs"):
        Many.signature.bind(0)


def test_a_block_without_data_inputs_takes_none():
    class Learned(Block):
        def params(self):
            return {"value": Param((2,))}

        def forward(self, ctx, *, value):
            return value, None

    assert Learned.signature.bind(0) == ()
    with pytest.raises(ValueError, match=r"^1 inputs given, 0 wanted$"):
        Learned.signature.bind(1)


def define(**members):
    return type("Wrong", (Block,), members)


def forward_x(self, ctx, x):
    return x, None


def test_a_class_without_forward_is_refused():
    with pytest.raises(TypeError, match="Wrong has no `forward"):
        define()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("share", "`share` is a reserved key"),
        ("forward", "hides an attribute"),
        ("outputs", "hides an attribute"),
        ("x", "`x` is both an option and an input"),
    ],
)
def test_an_option_that_collides_is_refused_when_the_class_is_defined(option, message):
    with pytest.raises(TypeError, match=message):
        define(forward=forward_x, __annotations__={option: int})


def test_params_must_take_the_data_inputs_by_name():
    with pytest.raises(TypeError, match=r"params takes \(a\) but the data inputs of forward are \(x\)"):
        define(forward=forward_x, params=lambda self, a: {})


def test_a_keyword_input_that_nobody_makes_is_refused():
    def forward(self, ctx, x, *, W):
        return x, None

    with pytest.raises(TypeError, match="takes `W` by keyword; add `params`"):
        define(forward=forward)


def test_nograd_must_name_inputs():
    with pytest.raises(TypeError, match="nograd names `target`, which is not an input"):
        define(forward=forward_x, nograd=("target",))


def test_outputs_must_be_a_tuple_of_names():
    with pytest.raises(TypeError, match="outputs is 'y'; it must be a tuple"):
        define(forward=forward_x, outputs="y")


@pytest.mark.parametrize(
    ("cls", "name"),
    [("MaxPool2d", "max_pool2d"), ("LSTM", "lstm"), ("SumOfSquares", "sum_of_squares"), ("LSTMCell", "lstm_cell")],
)
def test_a_block_is_named_by_its_class_in_snake_case(cls, name):
    assert snake_case(cls) == name


def test_types_are_described_in_words():
    hints = Window.option_types
    assert describe(hints["p"]) == "a number, at least 0, less than 1"
    assert describe(hints["names"]) == "a list, each a string"
    assert describe(int | None) == "an integer, or null"


def test_combinations_of_options_are_refused_by_validate():
    class Pair(Options):
        low: float
        high: float

        def validate(self):
            if self.low > self.high:
                raise ValueError(f"low {self.low} is above high {self.high}")

    with pytest.raises(ValueError, match=r"low 2\.0 is above high 1\.0"):
        Pair(low=2, high=1)
