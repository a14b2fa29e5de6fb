"""Thresholds while a run goes on: pending until their figure says something, then passing or failing."""

import dataclasses

import pytest

from loadtest.events import ThresholdState
from loadtest.judge.live import LiveJudge
from loadtest.judge.result import conclude
from loadtest.judge.thresholds import in_force, limit
from loadtest.judge.verdict import judge
from loadtest.plan.presets import PRESETS
from loadtest.record.readings import FleetSample
from loadtest.record.requests import Attempt, RequestOutcome
from tests.loadtest.runs import IDS, ZERO, admitted, perfect

PENDING, PASSING, FAILING = ThresholdState
LIMITS = in_force(PRESETS["rush-hour"].limits, ())
REFUSAL = Attempt(100, 100.1, RequestOutcome.REFUSED, 503, "503 /problems/no-capacity", 1)


def live(*fail_if: str, planned: int = 4) -> LiveJudge:
    limits = in_force(PRESETS["rush-hour"].limits, [limit(each) for each in fail_if])
    return LiveJudge(limits, planned, perfect().samples[0], 100)


def states(judged: LiveJudge) -> dict[str, tuple[str, ThresholdState]]:
    return {threshold.name: (threshold.value, state) for threshold, state in judged.thresholds()}


def test_before_the_first_answer_counts_are_passing_and_averages_pending() -> None:
    found = states(live("p99_ms > 250"))
    assert found["failed"] == ("0", PASSING)
    assert {name: found[name][1] for name in ("max_mean", "p99_ms", "recomputed_kw", "overload_ws")} == {
        "max_mean": PENDING,
        "p99_ms": PENDING,
        "recomputed_kw": PENDING,
        "overload_ws": PENDING,
    }


def test_a_refusal_makes_its_threshold_fail_and_what_must_be_reached_stays_pending() -> None:
    judged = live("admitted < 3")
    refused = admitted(3, IDS[0], outcome=RequestOutcome.REFUSED, session=None, attempts=(REFUSAL,))
    judged.take([admitted(0, IDS[0]), refused], [], sent=3, first_refused=2)  # one of them asks again
    found = states(judged)
    assert found["first_refused"] == ("2", FAILING)
    assert found["refused"] == ("1", FAILING)
    assert found["refused_without_retry_after"] == ("0", PASSING)
    assert found["admitted"] == ("1", PENDING)
    judged.take([admitted(1, IDS[0]), admitted(2, IDS[0])], [], sent=4)
    assert states(judged)["admitted"] == ("3", PASSING)


def test_balance_is_pending_until_half_of_the_cars_were_sent() -> None:
    run = perfect()
    uneven = [
        FleetSample(100 + n, {IDS[0]: dataclasses.replace(ZERO, load_w=20_000), IDS[1]: ZERO})
        for n in range(1, 4)
    ]
    judged = LiveJudge(LIMITS, 4, run.samples[0], 100)
    judged.take([], uneven, sent=1)
    assert states(judged)["max_mean"][1] is PENDING
    judged.take([], [], sent=2)
    assert states(judged)["max_mean"] == ("2.0000", FAILING)


def test_a_drained_substation_is_left_out_of_the_live_balance_too() -> None:
    drained = dataclasses.replace(ZERO, draining=True)
    judged = live()
    loaded = dataclasses.replace(ZERO, load_w=20_000)
    judged.take([], [FleetSample(101 + n, {IDS[0]: loaded, IDS[1]: drained}) for n in range(3)], sent=4)
    assert states(judged)["max_mean"] == ("1.0000", PASSING)


@pytest.mark.parametrize("name", ["max_mean", "failed", "refused", "refused_without_retry_after"])
def test_at_the_end_it_says_what_the_verdict_says(name: str) -> None:
    run = perfect()
    judged = LiveJudge(LIMITS, run.planned, run.samples[0], run.from_unix_s)
    last = dataclasses.replace(run.samples[-1], at_unix_s=103)
    judged.take(run.requests, [*run.samples, last], run.sent)
    verdict = {each.name: (each.value, each.passed) for each in judge(conclude(run), LIMITS)}
    value, state = states(judged)[name]
    assert (value, state is PASSING) == verdict[name]
