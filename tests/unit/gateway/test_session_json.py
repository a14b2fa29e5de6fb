"""What the API shows of a session."""

import dataclasses
import re
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.callers import Caller
from gateway.session_json import admitted_json, iso, reserved, session_json
from substation.contract import LAST_UNIX_MS, Session, SessionState
from substation.plan import Plan

STARTED_MS, HOUR_MS = 1_700_000_000_000, 3_600_000
PAUSED = Session(
    "s-1.x",
    "s-1",
    "car",
    SessionState.PAUSED,
    Plan(11_000 * 3600, 11_000, taper=False),
    5_000_000,
    STARTED_MS,
    STARTED_MS + 3 * HOUR_MS,
    paused_since_unix_ms=STARTED_MS + HOUR_MS // 2,
    paused_because="base_load",
    pauses_ms=90_000,
    first_end_unix_ms=STARTED_MS + HOUR_MS,
)


def test_a_paused_session_says_since_when_and_why_and_its_201_never_changes() -> None:
    first = dataclasses.replace(
        PAUSED,
        state=SessionState.CHARGING,
        expected_end_unix_ms=PAUSED.first_end_unix_ms,
        paused_since_unix_ms=0,
        paused_because="",
        pauses_ms=0,
        first_end_unix_ms=0,
    )
    caller = Caller("anonymous")
    assert admitted_json(PAUSED, caller) == admitted_json(first, caller)
    shown, before = session_json(PAUSED, caller), session_json(first, caller)
    assert (before["paused_since"], before["paused_because"], before["paused_minutes"]) == (None, None, 0)
    assert (shown["state"], shown["paused_because"], shown["paused_minutes"]) == ("paused", "base_load", 1.5)
    assert shown["paused_since"] == iso(STARTED_MS + HOUR_MS // 2)
    assert (before["expected_end"], shown["expected_end"]) == (
        iso(STARTED_MS + HOUR_MS),
        iso(STARTED_MS + 3 * HOUR_MS),
    )


def test_what_is_reserved_ends_with_a_pause_and_lies_later_after_one() -> None:
    began, until = reserved(PAUSED)
    assert (began, until) == ((STARTED_MS, 11_000), (STARTED_MS + HOUR_MS // 2, 0))
    resumed = dataclasses.replace(
        PAUSED, state=SessionState.CHARGING, paused_since_unix_ms=0, paused_because=""
    )
    assert reserved(resumed) == [(STARTED_MS, 11_000), (STARTED_MS + 3 * HOUR_MS, 0)]


ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


@given(unix_ms=st.integers(0, LAST_UNIX_MS))
@example(unix_ms=0)
@example(unix_ms=LAST_UNIX_MS)
def test_times_are_written_in_one_format_to_the_millisecond(unix_ms: int) -> None:
    written = iso(unix_ms)
    assert ISO.fullmatch(written)
    since_1970 = datetime.fromisoformat(written) - datetime(1970, 1, 1, tzinfo=UTC)
    assert since_1970 // timedelta(milliseconds=1) == unix_ms


def test_leap_years_are_those_of_the_calendar() -> None:
    assert iso(951_868_799_999) == "2000-02-29T23:59:59.999Z"
    assert iso(951_868_800_000) == "2000-03-01T00:00:00.000Z"
    assert iso(4_107_542_399_000) == "2100-02-28T23:59:59.000Z"
    assert iso(4_107_542_400_000) == "2100-03-01T00:00:00.000Z"


PLANS = st.builds(
    Plan, st.integers(1, 10**9), st.integers(1, 10**6), st.integers(0, 10**8), taper=st.booleans()
)


@given(PLANS, st.floats(0.01, 1000), st.floats(0, 1.2))
def test_what_a_session_reserves_falls_in_steps_from_its_power_to_nothing_at_its_end(
    plan: Plan, scale: float, stopped: float
) -> None:
    """`stopped`: after which share of its planned time; 1 and more is never."""
    lasts = max(round(plan.duration_ms / scale), 1)
    ended = 1000 + round(stopped * lasts) if stopped < 1 else 0
    session = Session("s-1.a", "s-1", "EV", SessionState.CHARGING, plan, 0, 1000, 1000 + lasts, ended)
    steps = reserved(session)
    assert steps[0][1] == plan.power_w or steps == [(1000, 0)] or ended == 1000
    assert steps[-1] == (ended or 1000 + lasts, 0)
    assert [at for at, _ in steps] == sorted(at for at, _ in steps)
    assert [kept for _, kept in steps] == sorted((kept for _, kept in steps), reverse=True)
    for at, kept in steps[:-1]:
        elapsed = round((at - 1000) * plan.duration_ms / lasts)
        assert plan.reserved_w(elapsed + round(plan.duration_ms / lasts) + 1) <= kept
