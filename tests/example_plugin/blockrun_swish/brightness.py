"""The light that a picture was taken in."""

from typing import Annotated

from annotated_types import Gt, Lt

from blockrun.plugins.data.transform import Transform


class Brightness(Transform):
    """Every number of an example times one factor in training, anywhere from 1 − `by` to 1 + `by`."""

    by: Annotated[float, Gt(0), Lt(1)] = 0.2

    def augment(self, x, known, draw):
        factor = 1 + self.by * (2 * draw.uniform() - 1)
        return x * factor.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))
