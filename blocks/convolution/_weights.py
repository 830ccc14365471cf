"""What convolutions wish for: weights, in as many groups as the channels of both sides come in."""

import math

from blockrun.core import Param
from blockrun.core.options import OptionError

from .._window import per_axis


def require_whole_groups(block):
    if block.channels % block.groups:
        raise OptionError("groups", f"`groups` is {block.groups}; it must divide `channels`, {block.channels}")


def weights_for(block, x, apart=1):
    """W (M, ..., C/groups) and, if wished for, b (M,); only one in `apart` of the products in a sum is ever there."""
    if x.shape[-1] % block.groups:
        raise ValueError(f"x has {x.shape[-1]} channels; `groups`, {block.groups}, must divide them")
    kernel, C = per_axis(block.kernel, len(x.shape) - 2), x.shape[-1] // block.groups
    taps = math.prod(kernel)
    fan = (max(1, taps * C // apart), taps * block.channels // block.groups)
    W = {"W": Param((block.channels, *kernel, C), init="glorot", fan=fan)}
    return W | {"b": Param((block.channels,), init="zeros")} if block.bias else W
