"""The learning rate rises and falls as the papers say."""

import json
import math

import pytest

from blockrun.plugins.errors import UserError
from blockrun.plugins.training.plateau import Plateau
from blockrun.plugins.training.schedules import (
    ConstantRate,
    Cosine,
    CosineRestarts,
    Exponential,
    Inverse,
    MultiStep,
    OneCycle,
    Polynomial,
    Step,
)


def rates(schedule, steps):
    return [schedule(step, steps) for step in range(steps)]


def test_a_constant_rate_is_constant():
    assert ConstantRate.name == "constant"
    assert rates(ConstantRate(rate=0.1), 3) == [0.1, 0.1, 0.1]


def test_a_cosine_goes_from_peak_to_end():
    """cos at 0°, 45°, 90°, 135° and 180°, mapped from [−1, 1] to [0.2, 1.0]."""
    half = math.sqrt(0.5)
    expected = [1.0, 0.6 + 0.4 * half, 0.6, 0.6 - 0.4 * half, 0.2]
    assert rates(Cosine(peak=1.0, end=0.2), 5) == pytest.approx(expected)


def test_a_warm_up_rises_in_equal_steps_and_the_cosine_follows():
    assert rates(Cosine(peak=1.0, warmup=4), 8) == pytest.approx(
        [0.25, 0.5, 0.75, 1.0, 0.5 + math.sqrt(0.5) / 2, 0.5, 0.5 - math.sqrt(0.5) / 2, 0.0], abs=1e-15
    )


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("warmup", [0, 1, 3, 9])
def test_short_runs_have_rates_between_nothing_and_the_peak(steps, warmup):
    found = rates(Cosine(peak=2.0, warmup=warmup, end=0.1), steps)
    assert all(0.1 <= rate <= 2.0 for rate in found)
    assert found[0] == pytest.approx(2.0 / max(warmup, 1))


def test_a_run_that_goes_on_stays_at_the_end():
    assert Cosine(peak=1.0, end=0.1)(99, 10) == pytest.approx(0.1)


def test_an_end_above_the_peak_is_refused():
    with pytest.raises(ValueError, match="at most the peak"):
        Cosine(peak=1.0, end=2.0)


def test_steps_drop_the_rate_every_so_often():
    assert rates(Step(peak=8.0, every=2, factor=0.5), 6) == [8, 8, 4, 4, 2, 2]


def test_milestones_drop_the_rate_where_they_stand():
    assert rates(MultiStep(peak=8.0, milestones=[2, 5], factor=0.5), 6) == [8, 8, 4, 4, 4, 2]


def test_an_exponential_multiplies_at_every_step():
    assert rates(Exponential(peak=8.0, factor=0.5), 4) == [8, 4, 2, 1]


def test_a_polynomial_reaches_its_end_at_the_last_step():
    """1 − t is 1, ¾, ½, ¼, 0; squared and mapped from [0, 1] to [1, 17]."""
    assert rates(Polynomial(peak=17.0, end=1.0, power=2), 5) == [17, 10, 5, 2, 1]
    assert Polynomial(peak=17.0, end=1.0)(99, 5) == 1


def test_an_inverse_falls_like_one_over_the_step():
    assert rates(Inverse(peak=6.0, gamma=1), 3) == [6, 3, 2]
    assert rates(Inverse(peak=6.0, gamma=3, power=0.5), 2) == [6, 3]


def test_a_cosine_restarts_at_its_peak_with_longer_cycles():
    """cos at 0° and 90° in the cycle of 2, at 0°, 45°, 90° and 135° in that of 4, then 0° again."""
    half = math.sqrt(0.5)
    expected = [1.0, 0.6, 1.0, 0.6 + 0.4 * half, 0.6, 0.6 - 0.4 * half, 1.0]
    assert rates(CosineRestarts(peak=1.0, end=0.2, period=2, stretch=2), 7) == pytest.approx(expected)
    assert rates(CosineRestarts(peak=1.0, period=2), 5) == pytest.approx([1, 0.5, 1, 0.5, 1])


def test_one_cycle_goes_up_and_then_down_further():
    """The top of 10 steps with a rise of 0.3 is step 2; then 7 steps down, of which the last ends at 1/10/2."""
    found = rates(OneCycle(peak=1.0, rise=0.3, div_factor=10, final_div_factor=2), 10)
    assert found[:3] == pytest.approx([0.1, 0.55, 1.0])
    assert found[9] == pytest.approx(0.05)
    assert OneCycle(peak=1.0, div_factor=10, final_div_factor=2)(99, 10) == pytest.approx(0.05)
    assert [found[i] + found[11 - i] for i in range(2, 6)] == pytest.approx([1.05] * 4)  # half a cosine is odd
    assert sorted(found[2:], reverse=True) == found[2:]


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
@pytest.mark.parametrize("rise", [0.0, 0.3, 0.99])
def test_one_cycle_fits_the_shortest_runs(steps, rise):
    assert all(0 < rate <= 2 for rate in rates(OneCycle(peak=2.0, rise=rise), steps + 2))


@pytest.mark.parametrize(
    ("schedule", "after"),
    [
        (ConstantRate(rate=8.0, warmup=4), [8, 8, 8]),
        (Step(peak=8.0, every=5, factor=0.5, warmup=4), [8, 8, 4]),
        (MultiStep(peak=8.0, milestones=(4, 6), factor=0.5, warmup=4), [8, 4, 4, 2]),
        (Exponential(peak=8.0, factor=0.5, warmup=4), [8, 4, 2]),
        (Polynomial(peak=8.0, warmup=4), [8, 6, 4, 2, 0]),
        (Inverse(peak=8.0, gamma=1, warmup=4), [8, 4, 8 / 3]),
        (CosineRestarts(peak=8.0, period=2, warmup=4), [8, 4, 8]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_any_schedule_can_rise_in_equal_steps_to_its_first_rate(schedule, after):
    """`after` starts at the last step of the warm-up, where the rate is whole."""
    assert rates(schedule, 8)[: 3 + len(after)] == pytest.approx([2, 4, 6, *after], abs=1e-12)


@pytest.mark.parametrize(
    ("schedule", "options", "message"),
    [
        (Step, {"every": 3, "warmup": 5}, "`warmup` is 5 and `every` drops at 3"),
        (Step, {"every": 0}, "`every` is 0"),
        (MultiStep, {"milestones": [3], "warmup": 5}, "`warmup` is 5 and `milestones` drops at 3"),
        (MultiStep, {"milestones": [5, 5]}, "has 5 before 5"),
        (MultiStep, {"milestones": []}, "`milestones` is empty; it must have at least one"),
        (Exponential, {"factor": 1.5}, "`factor` is 1.5"),
        (Polynomial, {"end": 2.0}, "at most the peak"),
        (Inverse, {"gamma": 0}, "`gamma` is 0"),
        (CosineRestarts, {"period": 4, "end": 2.0}, "at most the peak"),
        (OneCycle, {"rise": 1}, "`rise` is 1"),
    ],
)
def test_options_that_make_no_schedule_are_refused(schedule, options, message):
    with pytest.raises(ValueError, match=message):
        schedule(peak=1.0, **options)


def scales(schedule, values, memory=None):
    """The scale after each of some measurements of the objective."""
    memory, found = memory or {}, []
    for value in values:
        memory = schedule.react(memory, {"objective": value})
        found.append(memory["scale"])
    return found


def test_a_plateau_drops_after_so_many_measurements_without_a_gain():
    """By hand: gains at 5 and 4; 4, 4.5 are two without; then 4, 4 two more; 3 is a gain."""
    found = scales(Plateau(peak=1.0, factor=0.5, patience=2), [5, 4, 4, 4.5, 4, 4, 3, 3])
    assert found == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_a_plateau_counts_only_gains_of_more_than_min_delta_and_not_in_the_cooldown():
    """By hand: 9.5 gains too little; after the drop two do not count, so the next comes after two more."""
    schedule = Plateau(peak=1.0, factor=0.5, patience=1, min_delta=1.0, cooldown=2)
    assert scales(schedule, [10, 9.5, 9.5, 9.5, 9.5, 8]) == [1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_a_plateau_ends_at_its_end_and_may_want_more():
    assert scales(Plateau(peak=2.0, factor=0.1, patience=1, end=0.5, mode="max"), [1, 1, 0, 2, 2]) == [
        1, 0.25, 0.25, 0.25, 0.25
    ]  # fmt: skip


def test_what_is_not_a_number_is_no_gain():
    assert scales(Plateau(peak=1.0, factor=0.5, patience=1), [math.nan, 3, math.nan]) == [0.5, 0.5, 0.25]


def test_a_plateau_that_goes_on_from_its_memory_equals_one_that_never_stopped():
    """The memory is plain data, as a checkpoint holds it; what was handed over is not written to."""
    schedule, values = Plateau(peak=1.0, factor=0.5, patience=2, cooldown=1), [3, 3, 3, 2, 2, 2, 2, 2, 1]
    whole = scales(schedule, values)
    for cut in range(1, len(values)):
        memory = {}
        for value in values[:cut]:
            memory = schedule.react(memory, {"objective": value})
        kept = json.dumps(memory)
        assert scales(schedule, values[cut:], json.loads(kept)) == whole[cut:]
        assert json.dumps(memory) == kept


def test_a_plateau_may_rise_before_it_waits():
    assert rates(Plateau(peak=8.0, warmup=4), 6) == [2, 4, 6, 8, 8, 8]


def test_what_is_watched_and_not_measured_is_said():
    with pytest.raises(UserError, match=r"`val\.f1` is not measured"):
        Plateau(peak=1.0, monitor="val.f1").react({}, {"val.f1.micro": 1.0})
