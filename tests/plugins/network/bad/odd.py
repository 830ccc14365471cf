"""Components that go wrong each in its own way."""

from blockrun.core import Block, Param
from blockrun.plugins.data.source import Source


class Clumsy(Block):
    """Takes the first of nothing."""

    def forward(self, ctx, x):
        return x + [][0], None


class BreaksContract(Block):
    """Makes a parameter that `forward` does not take."""

    def params(self, x):
        return {"V": Param((3,))}

    def forward(self, ctx, x, *, W=None):
        return x, None


class FailsToDescribe(Source):
    """Looks up what is not there."""

    def describe(self):
        return {}["fields"]


class Turn(Block):
    """Not `batchwise`: each example becomes its neighbour."""

    def forward(self, ctx, x):
        return x[::-1], None

    def backward(self, ctx, saved, dy):
        return dy[::-1]
