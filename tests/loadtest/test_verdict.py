"""Every threshold can break, and each breaks for its own reason only."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from loadtest.ideal import Ideal
from loadtest.records import Outcome, Reading, Request, Sample, Session
from loadtest.result import Measured, Result, conclude
from loadtest.verdict import judge

OVERLOAD, RECOMPUTED, RATIO, ORACLE, FAILED, REFUSED, WHEN, SENT, COUNTED = (
    "overload counted by substations",
    "overload recomputed from the 201s",
    "max/mean utilization",
    "max/mean utilization over the oracle's",
    "failed requests",
    "refused requests",
    "refusals by 503 with Retry-After",
    "every request ended",
    "admissions counted and told agree",
)
IDS = ("substation-1", "substation-2")
ZERO = Reading(
    load_w=0, capacity_w=20_000, sessions_active=0, epoch=1, admitted=0, refused=0, commits=0,
    admission_overload_ws=0, derating_overload_ws=0, energy_j=0,
)  # fmt: skip


def admitted(index: int, substation_id: str, **other: Any) -> Request:
    session = Session(
        f"session-{index}", substation_id, 10_000, 1_000 * index, 1_000_000, ((1_000_000, 10_000),)
    )
    answered = Request(
        index, f"EV-1-{index}", 100, 100 + index / 1000, 100.1 + index / 1000, Outcome.ADMITTED, 201,
        session=session,
    )  # fmt: skip
    return dataclasses.replace(answered, **other)


def perfect() -> Measured:
    """Four cars, two on each substation, which are full to the last watt and alike."""
    after = dataclasses.replace(ZERO, load_w=20_000, admitted=2, commits=1, energy_j=3_600_000)
    return Measured(
        planned=4, sent=4, interrupted=False, from_unix_s=100, until_unix_s=104,
        requests=[admitted(index, IDS[index % 2]) for index in range(4)],
        substation_ids=IDS,
        samples=[
            Sample(100, dict.fromkeys(IDS, ZERO)),
            Sample(101, dict.fromkeys(IDS, dataclasses.replace(ZERO, load_w=10_000))),
            Sample(102, dict.fromkeys(IDS, dataclasses.replace(ZERO, load_w=20_000))),
        ],
        missed_readings=0, before=dict.fromkeys(IDS, ZERO), after=dict.fromkeys(IDS, after),
    )  # fmt: skip


def broken(measured: Measured, max_ratio: float = 1.05, max_refused: int = 0) -> set[str]:
    return {t.name for t in judge(conclude(measured), max_ratio, max_refused) if not t.held}


def changed(measured: Measured, substation_id: str, **after: Any) -> Measured:
    reading = dataclasses.replace(measured.after[substation_id], **after)
    return dataclasses.replace(measured, after={**measured.after, substation_id: reading})


def with_last(measured: Measured, **other: Any) -> Measured:
    last = dataclasses.replace(measured.requests[-1], **other)
    return dataclasses.replace(measured, requests=[*measured.requests[:-1], last])


def test_a_perfect_run_holds_every_threshold() -> None:
    assert {t.name for t in judge(conclude(perfect()), 1.05, 0)} == {
        OVERLOAD, RECOMPUTED, RATIO, FAILED, REFUSED, SENT, COUNTED,
    }  # fmt: skip
    assert broken(perfect()) == set()


BREAKS: dict[str, tuple[Callable[[Measured], Measured], set[str]]] = {
    "admission counted as overload": (
        lambda run: changed(run, IDS[0], admission_overload_ws=0.5),
        {OVERLOAD},
    ),
    "a session too many": (
        lambda run: dataclasses.replace(
            changed(run, IDS[0], admitted=3),
            planned=5, sent=5, requests=[*run.requests, admitted(4, IDS[0])],
        ),
        {RECOMPUTED},
    ),
    "one substation ahead": (
        lambda run: dataclasses.replace(
            run, samples=[Sample(101, {IDS[0]: dataclasses.replace(ZERO, load_w=20_000), IDS[1]: ZERO})]
        ),
        {RATIO},
    ),
    "nothing sampled": (lambda run: dataclasses.replace(run, samples=[]), {RATIO, RECOMPUTED}),
    "a failure that counted": (
        lambda run: with_last(run, outcome=Outcome.FAILED, session=None),
        {FAILED, COUNTED},
    ),
    "a refusal": (
        lambda run: changed(
            with_last(run, outcome=Outcome.REFUSED, status=503, session=None, retry_after_s=2.0),
            IDS[1],
            admitted=1,
        ),
        {REFUSED},
    ),
    "a refusal that does not say when to come back": (
        lambda run: changed(
            with_last(run, outcome=Outcome.REFUSED, status=503, session=None), IDS[1], admitted=1
        ),
        {REFUSED, WHEN},
    ),
    "a refusal by a quota": (
        lambda run: changed(
            with_last(run, outcome=Outcome.REFUSED, status=429, session=None, retry_after_s=2.0),
            IDS[1],
            admitted=1,
        ),
        {REFUSED, WHEN},
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
}  # fmt: skip


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
    assert broken(run, max_refused=1) == set()
    uneven = BREAKS["one substation ahead"][0](perfect())
    assert broken(uneven, max_ratio=2) == set()


def test_a_limit_of_none_is_not_judged() -> None:
    result = conclude(BREAKS["a refusal"][0](perfect()))
    names = {threshold.name for threshold in judge(result, None, None)}
    assert names == {OVERLOAD, RECOMPUTED, FAILED, WHEN, SENT, COUNTED}


@pytest.mark.parametrize(
    ("oracle_ratio", "expected"), [(1.0, True), (0.9, True), (0.8, False), (None, False)]
)
def test_the_ratio_is_held_against_that_of_the_oracle(oracle_ratio: float | None, expected: bool) -> None:  # noqa: FBT001 - a case
    result = conclude(perfect(), Ideal(oracle_ratio, 1.0, 0))
    (held,) = [t.held for t in judge(result, None, None, max_vs_oracle=1.2) if t.name == ORACLE]
    assert held == expected


def test_without_an_oracle_its_limit_has_not_held() -> None:
    (held,) = [t.held for t in judge(conclude(perfect()), None, None, max_vs_oracle=2) if t.name == ORACLE]
    assert not held


def test_the_figures_are_those_of_the_arrival_window() -> None:
    late = Sample(110, dict.fromkeys(IDS, dataclasses.replace(ZERO, load_w=1)))
    run = dataclasses.replace(perfect(), samples=[*perfect().samples, late])
    result: Result = conclude(run)
    assert result.balance_ratio == 1
    assert result.fleet_peak_utilization == 1
    assert result.commits_per_100_admissions == 50
    assert result.response_ms == {"p50": 101, "p95": 103, "p99": 103, "max": 103}
    assert result.late_ms == {"p50": 1, "p95": 3, "p99": 3, "max": 3}
    assert result.service_ms["max"] == pytest.approx(100)
    sampled = result.stations[0].sampled
    assert sampled
    assert sampled.load_peak_kw == 20
    assert sampled.load_average_kw == 12.5  # 0, 10, 20, 20 kW for a second each
    assert sampled.utilization_average == 0.625
