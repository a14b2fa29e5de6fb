"""What the API shows of a session."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.session_json import iso, reserved
from substation.contract import LAST_UNIX_MS, Session, SessionState
from substation.plan import Plan

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
