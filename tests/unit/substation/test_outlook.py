"""Admission by the base load to come: room at each quarter hour of the stay, and no other moment needs a look."""

from hypothesis import given, settings
from hypothesis import strategies as st

from substation.contract import Place, SubstationOutcome
from substation.curve import Usage
from substation.ledger import Ledger
from substation.outlook import STEP_MS, BaseLoadOutlook, highest_w
from substation.plan import Plan
from substation.records import Entry

KW, HOUR_MS = 1000, 3_600_000
LIMIT_W = 100 * KW


def ledger(outlook: BaseLoadOutlook | None, base_kw: int = 20, now_ms: int = 0) -> Ledger:
    made = Ledger(LIMIT_W, 0, Usage())
    made.begin(now_ms, base_kw * KW, outlook)
    return made


def plan(kw: int, hours: float) -> Plan:
    return Plan(int(kw * KW * hours * 3600), kw * KW, taper=False)


def admitted(made: Ledger, charging: Plan, key: str = "k") -> bool:
    start_ms = made.now_ms
    entry = Entry(f"s.{key}", key, charging, start_ms, start_ms, start_ms + charging.duration_ms)
    placed = made.place(Place("book", key, 0, key, charging), None, entry)
    return placed.outcome is SubstationOutcome.PLACED


EVENING = BaseLoadOutlook(0, (20 * KW, 20 * KW, 20 * KW, 20 * KW, 90 * KW))  # from 01:00 on


def test_a_car_that_would_meet_the_rise_is_refused_and_one_that_leaves_before_is_admitted() -> None:
    assert admitted(ledger(EVENING), plan(11, 1.0))
    assert not admitted(ledger(EVENING), plan(11, 1.01))
    assert admitted(ledger(EVENING), plan(10, 5))
    assert admitted(ledger(None), plan(80, 5)), "without an outlook, this moment alone decides"


def test_what_leaves_before_the_rise_makes_room_and_what_stays_does_not() -> None:
    made = ledger(EVENING)
    assert admitted(made, plan(60, 0.9), "leaves")
    assert admitted(made, plan(6, 3), "stays")
    assert not admitted(made, plan(5, 3), "too much")
    assert admitted(made, plan(4, 3), "fits")


def test_the_present_base_load_decides_too() -> None:
    low = BaseLoadOutlook(0, (0,))
    assert not admitted(ledger(low, base_kw=95), plan(6, 5))
    assert admitted(ledger(low, base_kw=95), plan(5, 5))


def test_the_last_bound_counts_beyond_the_last_quarter_hour() -> None:
    assert not admitted(ledger(EVENING, now_ms=100 * HOUR_MS), plan(11, 1))
    assert admitted(ledger(EVENING, now_ms=100 * HOUR_MS), plan(11, 0.2)), "it reaches no quarter hour"


def test_a_refusal_by_the_outlook_is_durable_as_any_other() -> None:
    made = ledger(EVENING)
    entry = Entry("s.k", "k", plan(50, 3), 0, 0, 0)
    decision = made.place(Place("book", "k", 2, "k", plan(50, 3)), None, entry)
    assert (decision.outcome, decision.write) == (SubstationOutcome.REFUSED, True)
    assert decision.record
    assert decision.record.attempt == 2
    assert made.load_w == 0


@settings(max_examples=60)
@given(
    bounds=st.lists(st.integers(0, 80), min_size=1, max_size=12),
    first_ms=st.integers(-4 * STEP_MS, 2 * STEP_MS),
    before=st.lists(st.tuples(st.integers(1, 20), st.sampled_from((0.1, 0.4, 1, 2.5))), max_size=4),
    car=st.tuples(st.integers(1, 40), st.sampled_from((0.1, 0.6, 1.7, 4))),
)
def test_the_highest_load_is_that_of_a_look_at_every_minute(
    bounds: list[int], first_ms: int, before: list[tuple[int, float]], car: tuple[int, float]
) -> None:
    outlook = BaseLoadOutlook(first_ms, tuple(bound * KW for bound in bounds))
    made = ledger(None, base_kw=0)
    others = [Plan(int(kw * KW * hours * 3600), kw * KW) for kw, hours in before]
    for number, other in enumerate(others):
        assert admitted(made, other, f"k{number}")
    asking = Plan(int(car[0] * KW * car[1] * 3600), car[0] * KW)
    first_start_ms = next(at for at in range(first_ms, 9 * STEP_MS, STEP_MS) if at > 0)
    looks = [
        bound_at(outlook, at) + sum(each.reserved_w(at) for each in (*others, asking))
        for at in range(first_start_ms, asking.duration_ms, 60_000)
    ]
    assert highest_w(outlook, made.curve(), asking, 0) == max(looks, default=0)


def bound_at(outlook: BaseLoadOutlook, at_ms: int) -> int:
    step = (at_ms - outlook.first_ms) // STEP_MS
    return outlook.upper_w[min(max(step, 0), len(outlook.upper_w) - 1)]
