"""The limits that a person sets: the accepted syntax, the refusals, and the meaning of each figure."""

import dataclasses

import pytest

from loadtest.judge.oracle_result import OracleResult
from loadtest.judge.result import Result, conclude
from loadtest.judge.threshold import Threshold
from loadtest.judge.thresholds import FIGURES, RENAMED, Limit, in_force, limit
from loadtest.judge.verdict import NOT_MEASURED, judge
from loadtest.plan.presets import PRESETS
from loadtest.record.generator_health import GeneratorHealth
from loadtest.record.requests import Attempt, RequestOutcome
from tests.loadtest.runs import perfect

SLOW = GeneratorHealth(300.0, 900.0, 0.4, 2.0, "saturated", "p99 of its event loop's lag is 300 ms, above 50")


def result() -> Result:
    return conclude(perfect(), OracleResult(1.0, 1.0, 0))


def verdict(text: str, of: Result | None = None) -> Threshold:
    """The threshold that `--fail-if` of `text` makes."""
    mine = limit(text)
    return next(t for t in judge(of or result(), [mine]) if (t.name, t.limit) == (mine.name, mine.must()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99_ms>250", Limit("p99_ms", ">", 250)),
        ("  overload_ws  >=  0.5 ", Limit("overload_ws", ">=", 0.5)),
        ("max_mean<1e0", Limit("max_mean", "<", 1)),
        ("jain <= .99", Limit("jain", "<=", 0.99)),
        ("refused == 3", Limit("refused", "==", 3)),
        ("late != -0", Limit("late", "!=", 0)),
    ],
)
def test_a_limit_is_a_name_a_relation_and_a_number(text: str, expected: Limit) -> None:
    assert limit(text) == expected
    assert limit(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p99_ms",
        "p99_ms>",
        ">250",
        "p99_ms 250",
        "p99_ms=>250",
        "p99_ms>250ms",
        "p99_ms>1>2",
        "p99_ms>nan",
        "p99_ms>inf",
        "p99_ms>1e999",
        "P99_ms>1",
        "p99_ms>1 and late>2",
    ],
)
def test_anything_else_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="<name> <op> <number>"):
        limit(text)


def test_an_unknown_name_is_refused_with_all_that_are_known() -> None:
    with pytest.raises(ValueError, match="p98_ms is no figure") as refused:
        limit("p98_ms>1")
    assert all(name in str(refused.value) for name in FIGURES)


@pytest.mark.parametrize(("former", "name"), RENAMED.items())
def test_a_former_name_is_refused_with_the_present_one(former: str, name: str) -> None:
    assert name in FIGURES
    with pytest.raises(ValueError, match=f"{former} is now called {name}"):
        limit(f"{former} > 0")


@pytest.mark.parametrize(
    ("op", "below", "equal", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_a_run_is_broken_when_the_relation_is_true(op: str, below: bool, equal: bool, above: bool) -> None:
    mine = Limit("admitted", op, 4)
    assert [mine.fails(value) for value in (3, 4, 5)] == [below, equal, above]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_hold_and_can_break(name: str) -> None:
    measured = dataclasses.replace(result(), generator=SLOW)
    value = FIGURES[name].of(measured)
    assert value is not None
    assert verdict(f"{name} > {value + 1!r}", measured).passed
    assert not verdict(f"{name} > {value - 1!r}", measured).passed


def test_figures_are_what_their_names_say() -> None:
    run = perfect()
    times = (
        Attempt(100, 100.2, RequestOutcome.REFUSED, 503, "503", 1),
        Attempt(101, 101.1, RequestOutcome.ADMITTED, 201, ""),
    )
    again = dataclasses.replace(run.requests[0], answered_unix_s=101.1, attempts=times)
    late = dataclasses.replace(run.requests[1], sent_unix_s=100.051)
    run = dataclasses.replace(run, planned=6, requests=[again, late, *run.requests[2:]], generator=SLOW)
    measured = conclude(run)
    figures = {name: FIGURES[name].of(measured) for name in FIGURES}
    assert figures["first_refused"] == figures["retries"] == figures["late"] == 1
    assert figures["refused"] == figures["failed"] == figures["refused_share"] == 0
    assert figures["dropped"] == 2
    assert figures["energy_kwh"] == 2
    assert figures["max_ms"] == pytest.approx(1100, rel=1e-3)  # to the last answer, the wait included
    assert figures["service_max_ms"] == pytest.approx(200, rel=1e-3)  # of one attempt
    assert figures["range"] == 0
    assert figures["jain"] == figures["max_mean"] == figures["fleet_peak"] == figures["saturated"] == 1


def test_a_given_limit_takes_the_place_of_the_built_in_one_and_adds_to_the_others() -> None:
    built_in = PRESETS["rush-hour"].limits
    names = [limit(each).name for each in built_in]
    given = (Limit("max_mean", ">", 2), Limit("p99_ms", ">", 1), Limit("max_mean", "<", 1))
    limits = in_force(built_in, given)
    assert [each.name for each in limits] == [n for n in names if n != "max_mean"] + [
        "max_mean",
        "p99_ms",
        "max_mean",
    ]
    assert Limit("max_mean", ">", 1.05) not in limits
    assert [str(each) for each in in_force(built_in, ())] == [str(limit(each)) for each in built_in]


def test_the_limits_of_every_preset_can_be_read() -> None:
    for preset in PRESETS.values():
        assert in_force(preset.limits, ())


def test_what_was_not_measured_is_broken_and_says_so() -> None:
    nothing = conclude(dataclasses.replace(perfect(), requests=[], samples=[], after={}, generator=None))
    for text in ("p99_ms > 1e9", "service_p50_ms < 0", "jain < 0", "overload_ws > 1e9", "saturated > 1"):
        broken = verdict(text, nothing)
        assert (broken.value, broken.passed) == (NOT_MEASURED, False)


def test_a_latency_that_breaks_while_the_generator_is_saturated_says_so_and_others_do_not() -> None:
    measured = dataclasses.replace(result(), generator=SLOW)
    assert "saturated" in verdict("p99_ms > 1", measured).note
    assert not verdict("p99_ms > 1e6", measured).note
    assert not verdict("admitted > 1", measured).note
    assert not verdict("p99_ms > 1").note
