"""What this plugin offers to blockrun."""

from blockrun.plugins import hookimpl


@hookimpl
def blockrun_blocks():
    return {"swish": "blockrun_swish.swish:Swish"}


@hookimpl
def blockrun_optimizers():
    return {"signsgd": "blockrun_swish.signsgd:Signsgd"}


@hookimpl
def blockrun_callbacks():
    return {"target": "blockrun_swish.target:Target"}


@hookimpl
def blockrun_transforms():
    return {"brightness": "blockrun_swish.brightness:Brightness"}
