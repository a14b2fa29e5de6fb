"""Every threshold can fail, and each fails for its own reason only."""

import dataclasses
from collections.abc import Callable

import pytest

from loadtest.judge.oracle_result import OracleResult
from loadtest.judge.result import Measurements, Result, conclude
from loadtest.judge.threshold import Threshold
from loadtest.judge.thresholds import in_force, limit
from loadtest.judge.verdict import judge
from loadtest.plan.presets import PRESETS
from loadtest.record.readings import FleetSample
from loadtest.record.requests import Attempt, RequestOutcome
from tests.loadtest.runs import IDS, ZERO, admitted, changed, perfect, with_last

NO = Attempt(100, 100.1, RequestOutcome.REFUSED, 503, "503 /problems/no-capacity", 1)
UNTOLD = dataclasses.replace(NO, retry_after_s=None)
QUOTA = dataclasses.replace(NO, status=429)
OVERLOAD, RECOMPUTED, RATIO, ORACLE, FAILED, REFUSED, FIRST_REFUSED, WHEN, SENT, COUNTED = (
    "overload_ws",
    "recomputed_kw",
    "max_mean",
    "imbalance_vs_oracle",
    "failed",
    "refused",
    "first_refused",
    "refused_without_retry_after",
    "every request ended",
    "admissions counted and answered agree",
)


def judged(result: Result, *fail_if: str) -> tuple[Threshold, ...]:
    return judge(result, in_force(PRESETS["rush-hour"].limits, [limit(each) for each in fail_if]))


def broken(measured: Measurements, *fail_if: str) -> set[str]:
    return {t.name for t in judged(conclude(measured), *fail_if) if not t.passed}


def test_a_perfect_run_holds_every_threshold() -> None:
    assert {t.name for t in judged(conclude(perfect()))} == {
        OVERLOAD,
        RECOMPUTED,
        RATIO,
        FAILED,
        REFUSED,
        FIRST_REFUSED,
        WHEN,
        SENT,
        COUNTED,
    }
    assert broken(perfect()) == set()


BREAKS: dict[str, tuple[Callable[[Measurements], Measurements], set[str]]] = {
    "admission counted as overload": (
        lambda run: changed(run, IDS[0], admission_overload_ws=0.5),
        {OVERLOAD},
    ),
    "a session too many": (
        lambda run: dataclasses.replace(
            changed(run, IDS[0], admitted=3),
            planned=5,
            sent=5,
            requests=[*run.requests, admitted(4, IDS[0])],
        ),
        {RECOMPUTED},
    ),
    "one substation ahead": (
        lambda run: dataclasses.replace(
            run, samples=[FleetSample(101, {IDS[0]: dataclasses.replace(ZERO, load_w=20_000), IDS[1]: ZERO})]
        ),
        {RATIO},
    ),
    "nothing sampled": (lambda run: dataclasses.replace(run, samples=[]), {RATIO, RECOMPUTED}),
    "a failure that counted": (
        lambda run: with_last(run, outcome=RequestOutcome.FAILED, session=None),
        {FAILED, COUNTED},
    ),
    "a refusal": (
        lambda run: changed(
            with_last(run, outcome=RequestOutcome.REFUSED, status=503, session=None, attempts=(NO,)),
            IDS[1],
            admitted=1,
        ),
        {REFUSED, FIRST_REFUSED},
    ),
    "a refusal at first": (
        lambda run: with_last(run, attempts=(NO, *run.requests[-1].attempts)),
        {FIRST_REFUSED},
    ),
    "a refusal that does not say when to come back": (
        lambda run: with_last(run, attempts=(UNTOLD, *run.requests[-1].attempts)),
        {FIRST_REFUSED, WHEN},
    ),
    "a refusal by a quota": (
        lambda run: with_last(run, attempts=(QUOTA, *run.requests[-1].attempts)),
        {FIRST_REFUSED, WHEN},
    ),
    "a request without an outcome": (lambda run: dataclasses.replace(run, planned=5, sent=5), {SENT}),
    "an outcome of a request that was not sent": (lambda run: dataclasses.replace(run, sent=3), {SENT}),
    "a request that was never sent": (lambda run: dataclasses.replace(run, planned=5), {SENT}),
    "an admission that no client knows": (lambda run: changed(run, IDS[1], admitted=3), {COUNTED}),
    "two admissions, told of the other substation": (
        lambda run: changed(changed(run, IDS[0], admitted=1), IDS[1], admitted=3),
        {COUNTED},
    ),
    "one session told to two cars": (
        lambda run: with_last(run, session=run.requests[1].session),
        {COUNTED},
    ),
    "a restart, which sets counters to 0": (lambda run: changed(run, IDS[0], epoch=2), {OVERLOAD, COUNTED}),
    "a substation gone at the end": (
        lambda run: dataclasses.replace(run, after={IDS[0]: run.after[IDS[0]]}),
        {OVERLOAD, COUNTED},
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_wrong_breaks_its_threshold_and_no_other(what: str) -> None:
    change, expected = BREAKS[what]
    assert broken(change(perfect())) == expected


def test_an_interrupted_run_owes_only_what_it_sent() -> None:
    assert broken(dataclasses.replace(perfect(), planned=500, interrupted=True)) == set()


def test_derating_is_shown_but_is_not_the_balancers_fault() -> None:
    run = changed(perfect(), IDS[0], derating_overload_ws=5)
    assert broken(run) == set()
    counted = conclude(run).stations[0].counted
    assert counted
    assert counted.overload_derating_ws == 5


def test_the_limits_are_the_callers() -> None:
    run = BREAKS["a refusal"][0](perfect())
    assert broken(run, "refused > 1", "first_refused > 1") == set()
    uneven = BREAKS["one substation ahead"][0](perfect())
    assert broken(uneven, "max_mean > 2") == set()


def test_a_figure_without_a_limit_is_not_judged() -> None:
    result = conclude(BREAKS["a refusal"][0](perfect()))
    names = {threshold.name for threshold in judge(result, in_force(PRESETS["burst"].limits, ()))}
    assert names == {OVERLOAD, RECOMPUTED, FAILED, WHEN, SENT, COUNTED}


@pytest.mark.parametrize(
    ("oracle_ratio", "expected"), [(1.0, True), (0.9, True), (0.8, False), (None, False)]
)
def test_the_ratio_is_held_against_that_of_the_oracle(oracle_ratio: float | None, expected: bool) -> None:
    result = conclude(perfect(), OracleResult(oracle_ratio, 1.0, 0))
    (held,) = [t.passed for t in judge(result, [limit("imbalance_vs_oracle > 1.2")]) if t.name == ORACLE]
    assert held == expected


def test_without_an_oracle_its_limit_has_not_held() -> None:
    assert broken(perfect(), "imbalance_vs_oracle > 2") == {ORACLE}


def test_the_figures_are_those_of_the_arrival_window() -> None:
    late = FleetSample(110, dict.fromkeys(IDS, dataclasses.replace(ZERO, load_w=1)))
    run = dataclasses.replace(perfect(), samples=[*perfect().samples, late])
    result: Result = conclude(run)
    assert result.balance_ratio == 1
    assert result.fleet_peak_utilization == 1
    assert result.commits_per_100_admissions == 50
    assert result.response_ms == pytest.approx(
        {"p50": 101, "p90": 103, "p95": 103, "p99": 103, "p999": 103, "max": 103}, rel=1e-3
    )
    assert result.late_ms["p50"] == pytest.approx(1, rel=1e-2)
    assert result.late_ms["max"] == pytest.approx(3, rel=1e-2)
    assert result.service_ms["max"] == pytest.approx(100, rel=1e-3)
    sampled = result.stations[0].sampled
    assert sampled
    assert sampled.load_peak_kw == 20
    assert sampled.load_average_kw == 12.5  # 0, 10, 20, 20 kW for a second each
    assert sampled.utilization_average == 0.625
