"""What Prometheus answers, and the quarter hours that its samples show."""

import itertools
import json

import pytest

from balancer.forecast.calendar_days import SLOT_MS, SLOTS
from balancer.forecast.forecaster import LEARNED_DAYS
from balancer.forecast.history import KEPT_DAYS
from balancer.forecast.prometheus import MOST_POINTS, spans, step
from balancer.forecast.prometheus_answers import (
    AnswerUnusable,
    PastSamples,
    error_text,
    quarter_hours,
    read_samples,
)
from balancer.forecast.recorder import QuarterHour

LATER = 10**12
DAY_S = 86_400


def answer(*pairs: tuple[float, str], series: int = 1, kind: str = "matrix") -> bytes:
    result = [{"metric": {}, "values": pairs}] * series
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def past(
    calendar_s: dict[int, float],
    cars_w: dict[int, float] | None = None,
    base_w: dict[int, float] | None = None,
) -> PastSamples:
    return PastSamples(
        calendar_s, dict.fromkeys(calendar_s, 100.0) if cars_w is None else cars_w, base_w or {}
    )


def test_samples_are_by_the_millisecond_and_what_is_no_number_is_missing() -> None:
    body = answer((1.0, "5"), (1.5, "NaN"), (2.0, "+Inf"), (2.25, "7.5"))
    assert read_samples(body, 1000, 2250) == {1000: 5.0, 2250: 7.5}
    assert read_samples(answer(series=0), 0, 1) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"data": {"resultType": "matrix", "result": 5}}',
        b'{"data": {"resultType": "matrix", "result": [{"values": [5]}]}}',
        b'{"data": {"resultType": "matrix", "result": [{"values": [[1]]}]}}',
        b'{"data": {"resultType": "matrix", "result": [{"values": [["x", "1"]]}]}}',
        b'{"data": {"resultType": "matrix", "result": [{"values": [[1, "x"]]}]}}',
        b'{"data": {"resultType": "matrix", "result": [{"values": [[1, null]]}]}}',
        b'{"data": {"resultType": "matrix", "result": [{"values": [[1e999, "1"]]}]}}',
    ],
)
def test_what_is_no_answer_of_prometheus_is_shown(body: bytes) -> None:
    with pytest.raises(AnswerUnusable, match="the answer is none of Prometheus: '"):
        read_samples(body, 0, LATER)


@pytest.mark.parametrize("body", [answer((1, "1"), series=2), answer(kind="vector"), answer(kind="scalar")])
def test_anything_but_one_series_over_a_time_is_refused(body: bytes) -> None:
    with pytest.raises(AnswerUnusable, match="not one series over a time"):
        read_samples(body, 0, LATER)


@pytest.mark.parametrize("at", [0.999, 2.001, -5, 1e300])
def test_samples_that_were_not_asked_for_are_refused(at: float) -> None:
    with pytest.raises(AnswerUnusable, match="was not asked for"):
        read_samples(answer((at, "1")), 1000, 2000)


def test_an_error_says_what_prometheus_says_or_how_it_begins() -> None:
    assert error_text(b'{"status": "error", "error": "too many points"}') == "too many points"
    assert error_text(b"x" * 1000) == repr("x" * 200)


def test_samples_become_means_of_the_grid_s_quarter_hours_whatever_the_time_scale() -> None:
    """A sample every 300 s of the grid and 2.5 s of wall time; the cars' load rises by 30 W with each."""
    samples = past(
        {2500 * n: 300.0 * n for n in range(7)},
        {2500 * n: 30.0 * n for n in range(7)},
        {2500 * n: 1000.0 for n in range(3)},
    )
    assert quarter_hours("s-1", samples, 2 * SLOT_MS) == [
        QuarterHour("s-1", 0, 1000.0, 30.0),
        QuarterHour("s-1", 1, None, 120.0),
    ]


def test_samples_of_one_series_alone_and_quarter_hours_without_samples_are_gaps() -> None:
    calendar = {0: 0.0, 1: 900.0, 5: 4500.0, 6: 5400.0}
    found = quarter_hours("s-1", past(calendar, {0: 1.0, 5: 2.0, 6: 3.0, 7: 4.0}), 6 * SLOT_MS)
    assert [(row.slot, row.cars_load_w) for row in found] == [(0, 1.0), (5, 2.0)]


def test_what_was_before_a_new_journal_does_not_count() -> None:
    calendar = {0: 90_000.0, 1: 90_900.0, 2: 91_800.0, 3: 0.0, 4: 900.0, 5: 1800.0}
    assert [row.slot for row in quarter_hours("s-1", past(calendar), 2 * SLOT_MS)] == [0, 1]
    before = {at: calendar[at] for at in range(3)}
    assert [row.slot for row in quarter_hours("s-1", past(before), 102 * SLOT_MS)] == [100, 101]
    assert quarter_hours("s-1", past(before), 2 * SLOT_MS) == []  # the new one was not scraped yet


def test_what_was_scraped_after_the_report_of_the_present_ends_nothing() -> None:
    """At a high time scale a scrape that is a second newer is in a later quarter hour."""
    calendar = {at: 900.0 * at for at in range(5)}
    found = quarter_hours("s-1", past(calendar), 3 * SLOT_MS, SLOT_MS)
    assert [row.slot for row in found] == [0, 1, 2], (
        "what is not finished at present is recorded by the balancer itself"
    )
    assert quarter_hours("s-1", past(calendar), 2 * SLOT_MS, SLOT_MS) == [], "that is of an older journal"


@pytest.mark.parametrize(
    ("samples", "what"),
    [
        (past({0: -1.0}), "the calendar is -1"),
        (past({0: 1e300}), "the calendar is 1e"),
        (past({0: 0.0}, {0: -5.0}), "the load of cars is -5"),
        (past({0: 0.0}, {0: 1e13}), "the load of cars is 1e"),
        (past({0: 0.0}, None, {0: -2.0}), "the base load is -2"),
    ],
)
def test_values_that_can_t_be_are_named(samples: PastSamples, what: str) -> None:
    with pytest.raises(AnswerUnusable, match=what):
        quarter_hours("s-1", samples, SLOT_MS)


@pytest.mark.parametrize("scale", [0.001, 0.14, 1.0, 120.0, 900.0, 100_000.0])
def test_queries_follow_each_other_and_are_bounded(scale: float) -> None:
    now_s = 1.8e9
    step_s = step(scale)
    asked = spans(now_s, scale, step_s)
    assert asked[0][0] == pytest.approx(now_s - min(LEARNED_DAYS / scale, KEPT_DAYS) * DAY_S)
    assert now_s - step_s < asked[-1][1] <= now_s
    assert all(1 <= (until_s - from_s) / step_s + 1 < MOST_POINTS + 1 for from_s, until_s in asked)
    for (_, before_s), (after_s, _) in itertools.pairwise(asked):
        assert after_s - before_s == pytest.approx(step_s)
    assert len(asked) * MOST_POINTS < LEARNED_DAYS * SLOTS * 5 + MOST_POINTS + 1
