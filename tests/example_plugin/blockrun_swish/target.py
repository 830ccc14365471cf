"""Enough is enough: the end of a run that has reached what was wanted."""

from blockrun.plugins.training.contracts import Callback


class Target(Callback):
    """End the run as soon as `monitor` is `below` a number."""

    below: float
    monitor: str = "objective"

    def measured(self, run, memory, values):
        if values[self.monitor] < self.below:
            run.stop(f"target: {self.monitor} is {values[self.monitor]:.4g}")
