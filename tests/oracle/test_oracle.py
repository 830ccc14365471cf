"""Blocks, optimizers and schedules do what PyTorch does, which shares neither code nor author with ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blockrun.plugins.host import load_host
from blockrun.plugins.testing.cases import Case, is_float
from blockrun.plugins.testing.examples import find_cases, in_both_modes
from blockrun.plugins.training.gradients import Clip
from blockrun.plugins.training.plateau import Plateau

from .blocks import BLOCKS, WITHOUT
from .common import Use, torch
from .training import OPTIMIZERS, OPTIMIZERS_WITHOUT, PLATEAUS, SCHEDULES, STEPS

HOST = load_host()
TOLERANCES = {"float64": 1e-10, "float32": 1e-5}  # relative to each entry, or to the largest of its tensor
LR = 0.05

Arrays = dict[str, Any]


def first_party(kind: str) -> set[str]:
    return {name for name in HOST.names(kind) if HOST.provider(kind, name).startswith("blockrun ")}


def cases_of(name: str) -> list[Case]:
    """The block's own examples, in training and in evaluation."""
    return in_both_modes(find_cases(HOST.find("blocks", name), np.random.default_rng(0)).cases, seed=0)


def in_dtype(case: Case, dtype: str) -> Case:
    return case.changed(lambda x: x.astype(dtype) if is_float(x) else x)


def ours(case: Case, dy: Arrays) -> tuple[Arrays, Arrays]:
    outputs, tape = case.start()
    return outputs, case.finish(tape, dy)


def theirs(case: Case, dy: Arrays, outputs: Arrays) -> tuple[Arrays, Arrays]:
    """Outputs and gradients of PyTorch's counterpart; `outputs` are ours."""
    leaves = {name: torch.tensor(x, requires_grad=name in case.wrt) for name, x in case.arrays.items()}
    use = Use(case.block, case.training, {name: torch.tensor(np.array(y)) for name, y in outputs.items()})
    params = {name: leaves[variable] for name, variable in case.node.params.items()}
    inputs = (None if name is None else leaves[name] for name in case.node.inputs)
    found = BLOCKS[case.block.name](use, *inputs, **params)
    named = dict(zip(case.block.outputs, found if isinstance(found, tuple) else (found,), strict=True))
    if case.wrt:
        torch.autograd.backward([named[name] for name in dy], [torch.tensor(v) for v in dy.values()])
    return (
        {name: y.detach().numpy() for name, y in named.items()},
        {name: leaves[name].grad.numpy() for name in case.wrt},
    )


def assert_same(found: Arrays, expected: Arrays, tolerance: float) -> None:
    assert found.keys() == expected.keys()
    for name, right in expected.items():
        atol = tolerance * np.abs(right).max(initial=0)
        np.testing.assert_allclose(found[name], right, rtol=tolerance, atol=atol, err_msg=name, strict=is_float(right))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{name}-{case.number}") for name in BLOCKS for case in cases_of(name)]
)
def test_a_block_computes_what_pytorch_computes_forward_and_backward(case: Case, dtype: str) -> None:
    case = in_dtype(case, dtype)
    dy = case.cotangents(np.random.default_rng([1, case.number]))  # not the draws that made x
    dy = {name: v.astype(dtype) for name, v in dy.items()}
    outputs, gradients = ours(case, dy)
    expected_outputs, expected_gradients = theirs(case, dy, outputs)
    assert_same(outputs, expected_outputs, TOLERANCES[dtype])
    assert_same(gradients, expected_gradients, TOLERANCES[dtype])


@pytest.mark.parametrize(
    ("optimizer", "counterpart", "options"), OPTIMIZERS, ids=[repr(optimizer) for optimizer, _, _ in OPTIMIZERS]
)
def test_an_optimizer_takes_the_steps_of_pytorch(optimizer: Any, counterpart: Any, options: dict[str, Any]) -> None:
    """20 steps with gradients that differ from step to step, in float64, to 1e-12."""
    rng = np.random.default_rng(0)
    p = rng.standard_normal((4, 3))
    state = optimizer.init(p)
    theirs = torch.tensor(p, requires_grad=True)
    walker = counterpart([theirs], LR, **options)
    for step in range(1, STEPS + 1):
        dp = rng.standard_normal(p.shape)
        p, state = optimizer.update(p, dp, state, LR, step)
        theirs.grad = torch.tensor(dp)
        walker.step()
        np.testing.assert_allclose(p, theirs.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=f"step {step}")


@pytest.mark.parametrize(
    ("schedule", "counterpart", "options"), SCHEDULES, ids=[repr(each) for each, _, _ in SCHEDULES]
)
def test_a_schedule_has_the_rates_of_pytorch(schedule: Any, counterpart: Any, options: dict[str, Any]) -> None:
    walker = torch.optim.SGD([torch.zeros(1, requires_grad=True)], schedule.peak, momentum=0.9)
    theirs = counterpart(walker, **options)
    for step in range(STEPS):
        assert schedule(step, STEPS) == pytest.approx(walker.param_groups[0]["lr"], abs=1e-12), step
        walker.step()
        theirs.step()


@pytest.mark.parametrize(("options", "counterpart"), PLATEAUS, ids=[repr(ours) for ours, _ in PLATEAUS])
def test_a_plateau_drops_where_that_of_pytorch_does(options: dict[str, Any], counterpart: dict[str, Any]) -> None:
    schedule = Plateau(peak=0.3, **options)
    memory: dict[str, Any] = {}
    walker = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.3)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(walker, threshold_mode="abs", eps=0, **counterpart)
    for value in np.random.default_rng(0).standard_normal(60):
        memory = schedule.react(memory, {"objective": float(value)})
        theirs.step(value)
        assert memory["scale"] * schedule(0, 60) == pytest.approx(walker.param_groups[0]["lr"], rel=1e-12)
    assert memory["scale"] < 1


@pytest.mark.parametrize("limit", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("kind", ["norm", "value"])
def test_gradients_are_clipped_as_by_pytorch(kind: str, limit: float) -> None:
    """To 1e-6 for the norm, to which PyTorch adds 1e-6 before it divides."""
    rng = np.random.default_rng(0)
    gradients = {name: rng.standard_normal(shape) for name, shape in (("W", (4, 3)), ("b", (3,)), ("s", ()))}
    theirs = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients.values()]
    for parameter, g in zip(theirs, gradients.values(), strict=True):
        parameter.grad = torch.tensor(g)
    {"norm": torch.nn.utils.clip_grad_norm_, "value": torch.nn.utils.clip_grad_value_}[kind](theirs, limit)
    found = Clip(**{kind: limit})(gradients, [float((g * g).sum()) for g in gradients.values()])
    for ours, parameter in zip(found.values(), theirs, strict=True):
        np.testing.assert_allclose(ours, parameter.grad.numpy(), rtol=1e-5 if limit < 1 else 1e-6)


@pytest.mark.parametrize(
    ("kind", "compared", "without"),
    [
        ("blocks", set(BLOCKS), WITHOUT),
        ("optimizers", {optimizer.name for optimizer, _, _ in OPTIMIZERS}, OPTIMIZERS_WITHOUT),
    ],
)
def test_all_that_is_ours_is_compared_or_says_why_not(kind: str, compared: set[str], without: dict[str, str]) -> None:
    """Add what is missing to the table of its family, or say under `WITHOUT` why PyTorch has no counterpart."""
    assert first_party(kind) == compared | without.keys()
    assert compared.isdisjoint(without)
    assert all(without.values())
