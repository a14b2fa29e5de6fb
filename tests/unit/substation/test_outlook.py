"""The room that is kept for the base load to come: what it may rise by, less what is free until then."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from substation.contract import MOST_W, Foresee, Place, SubstationOutcome
from substation.curve import Usage
from substation.ledger import Ledger, kept_w
from substation.outlook import HORIZON_MS, STEP_MS, BaseLoadOutlook
from substation.plan import Plan
from substation.records import Entry
from tests.support.examples import examples

KW, HOUR_MS = 1000, 3_600_000
LIMIT_W = 100 * KW


def ledger(outlook: BaseLoadOutlook | None, base_kw: int = 20, now_ms: int = 0) -> Ledger:
    made = Ledger(LIMIT_W, 0, Usage())
    made.begin(now_ms, base_kw * KW)
    made.outlook = outlook
    return made


def plan(kw: int, hours: float) -> Plan:
    return Plan(int(kw * KW * hours * 3600), kw * KW, taper=False)


def admitted(made: Ledger, charging: Plan, key: str = "k") -> bool:
    start_ms = made.now_ms
    entry = Entry(f"s.{key}", key, charging, start_ms, start_ms, start_ms + charging.duration_ms)
    placed = made.place(Place("book", key, 0, key, charging), None, entry)
    return placed.outcome is SubstationOutcome.PLACED


EVENING = BaseLoadOutlook(0, (20 * KW, 20 * KW, 20 * KW, 20 * KW, 90 * KW))  # from 01:00 on


def test_what_the_base_load_will_rise_by_is_kept() -> None:
    made = ledger(EVENING)
    assert kept_w(made) == 70 * KW
    assert not admitted(made, plan(11, 5), "too much")
    assert admitted(made, plan(10, 5), "fits")
    assert admitted(ledger(None), plan(80, 5)), "without an outlook, this moment alone decides"
    assert kept_w(ledger(None)) == 0


def test_power_that_is_free_before_the_rise_is_not_kept_twice() -> None:
    made = ledger(None)
    assert admitted(made, plan(60, 0.9), "leaves before")
    assert admitted(made, plan(10, 3), "stays")
    made.outlook = EVENING
    assert kept_w(made) == 10 * KW
    assert not admitted(made, plan(1, 3), "beside 20 + 60 + 10 there is room for none")


def test_a_rise_beyond_the_horizon_keeps_nothing() -> None:
    late = BaseLoadOutlook(0, (*[20 * KW] * 17, 90 * KW))  # at 04:15
    assert kept_w(ledger(late)) == 0
    assert kept_w(ledger(late, now_ms=STEP_MS)) == 70 * KW


def test_a_base_load_that_is_above_its_bound_keeps_nothing_more() -> None:
    made = ledger(BaseLoadOutlook(0, (0, 0)), base_kw=95)
    assert kept_w(made) == 0
    assert not admitted(made, plan(6, 5))
    assert admitted(made, plan(5, 5))


@pytest.mark.parametrize("now_ms", [4 * STEP_MS, 1000 * STEP_MS])
def test_bounds_that_are_not_fresh_give_way_to_a_margin(now_ms: int) -> None:
    assert kept_w(ledger(EVENING, now_ms=4 * STEP_MS - 1)) == 70 * KW
    assert kept_w(ledger(EVENING, now_ms=now_ms)) == 6 * KW
    assert kept_w(ledger(BaseLoadOutlook(), now_ms=now_ms)) == 6 * KW


def test_what_a_balancer_tells_counts_from_the_midnight_of_a_monday() -> None:
    at_6 = 6 * HOUR_MS
    assert BaseLoadOutlook.of(Foresee(24, (1, 2)), at_6) == BaseLoadOutlook(0, (1, 2))
    assert BaseLoadOutlook.of(Foresee(25, (1,)), at_6) == BaseLoadOutlook(STEP_MS, (1,))


@pytest.mark.parametrize(
    "told",
    [
        Foresee(0, ()),
        Foresee(0, (1,) * 1001),
        Foresee(0, (1, -1)),
        Foresee(0, (MOST_W + 1,)),
        Foresee(-1, (1,)),
    ],
)
def test_what_can_not_be_true_is_no_outlook(told: Foresee) -> None:
    assert BaseLoadOutlook.of(told, 0) is None


def test_a_refusal_by_the_outlook_is_durable_as_any_other() -> None:
    made = ledger(EVENING)
    entry = Entry("s.k", "k", plan(50, 3), 0, 0, 0)
    decision = made.place(Place("book", "k", 2, "k", plan(50, 3)), None, entry)
    assert (decision.outcome, decision.write) == (SubstationOutcome.REFUSED, True)
    assert decision.record
    assert decision.record.attempt == 2
    assert made.load_w == 0


@settings(max_examples=examples(60))
@given(
    bounds=st.lists(st.integers(0, 80), min_size=1, max_size=20),
    made_before_ms=st.integers(0, 4 * STEP_MS - 1),
    cars=st.lists(st.tuples(st.integers(1, 20), st.sampled_from((0.1, 0.4, 1, 2.5, 9))), max_size=4),
    base_kw=st.integers(0, 20),
)
def test_with_what_is_kept_no_minute_of_the_horizon_exceeds_the_limit_by_the_bounds(
    bounds: list[int], made_before_ms: int, cars: list[tuple[int, float]], base_kw: int
) -> None:
    """And one watt less would be too little at a start of a quarter hour, or nothing is kept."""
    now_ms = 10 * STEP_MS
    outlook = BaseLoadOutlook(now_ms - made_before_ms, tuple(bound * KW for bound in bounds))
    made = ledger(None, 0, now_ms)
    plans = [Plan(int(kw * KW * hours * 3600), kw * KW) for kw, hours in cars]
    for number, charging in enumerate(plans):
        assert admitted(made, charging, f"k{number}")
    made.begin(now_ms, base_kw * KW)
    made.outlook = outlook
    taken_w = made.load_w + base_kw * KW + kept_w(made)
    first_start_ms = outlook.first_ms + (made_before_ms // STEP_MS + 1) * STEP_MS
    to_come = [
        bound_at(outlook, at) + sum(each.reserved_w(at - now_ms) for each in plans)
        for at in range(first_start_ms, now_ms + HORIZON_MS + 1, 60_000)
    ]
    assert max(to_come) <= taken_w
    assert kept_w(made) == 0 or max(to_come) == taken_w


def bound_at(outlook: BaseLoadOutlook, at_ms: int) -> int:
    step = (at_ms - outlook.first_ms) // STEP_MS
    return outlook.upper_w[min(max(step, 0), len(outlook.upper_w) - 1)]
