"""Sessions as the API shows them: kilowatts, kilowatt-hours, minutes, and times in ISO 8601.

Pure. `gateway.charge` converts the other way, from a request to whole watts and joules.
"""

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.callers import Caller
from gateway.charge import J_PER_KWH, MS_PER_MINUTE, W_PER_KW
from substation.contract import Session

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def admitted_json(session: Session, caller: Caller) -> dict[str, Any]:
    """Return the body of a 201 to `caller`: the facts of the admission, which never change."""
    plan = session.plan
    return {
        "session_id": session.session_id,
        "substation_id": session.substation_id,
        "vehicle_id": caller.shown(session.vehicle_id),
        "power_kw": plan.power_w / W_PER_KW,
        "energy_kwh": plan.energy_j / J_PER_KWH,
        "stay_minutes": plan.stay_ms / MS_PER_MINUTE if plan.stay_ms else None,
        "started_at": iso(session.started_unix_ms),
        "expected_end": iso(session.first_end_unix_ms or session.expected_end_unix_ms),
    }


def session_json(session: Session, caller: Caller) -> dict[str, Any]:
    """Return a session as it is now."""
    return admitted_json(session, caller) | {
        "state": session.state,
        "expected_end": iso(session.expected_end_unix_ms),
        "paused_since": iso(session.paused_since_unix_ms) if session.paused_since_unix_ms else None,
        "paused_because": session.paused_because or None,
        "paused_minutes": round(session.pauses_ms / MS_PER_MINUTE, 3),
        "delivered_kwh": round(session.delivered_j / J_PER_KWH, 3),
        "ended_at": iso(session.ended_unix_ms) if session.ended_unix_ms else None,
        "reserved": [
            {"from": iso(unix_ms), "power_kw": reserved_w / W_PER_KW}
            for unix_ms, reserved_w in reserved(session)
        ],
    }


def reserved(session: Session) -> list[tuple[int, int]]:
    """Return what a session reserves: pairs of (from unix ms on, watts), the last with 0.

    The plan is in grid time. Its wall time is taken from the start and the expected end, between which
    it passes evenly unless the substation was stopped, or restarted with another time scale. Pauses are taken to have
    come at the start, so that what is still to come is right; a pause that goes on ends the list.
    """
    plan, began = session.plan, session.started_unix_ms
    ended = session.ended_unix_ms or session.paused_since_unix_ms
    first_end = session.first_end_unix_ms or session.expected_end_unix_ms
    lasts_ms, later_ms = first_end - began, session.expected_end_unix_ms - first_end
    steps, reserved_w = [(began, plan.power_w)], plan.power_w
    for after_ms, freed_w in plan.releases():
        reserved_w -= freed_w
        at = began + later_ms + round(lasts_ms * after_ms / plan.duration_ms)
        if ended and (at >= ended or not reserved_w):
            break
        steps.append((at, reserved_w))
    return [*steps, (ended, 0)] if ended else steps


def iso(unix_ms: int) -> str:
    """Return a time as ISO 8601 in UTC, with milliseconds: `2026-01-31T08:00:00.000Z`."""
    unix_s, ms = divmod(unix_ms, 1000)
    return f"{_to_the_second(unix_s)}.{ms:03d}Z"


@functools.lru_cache(maxsize=4096)
def _to_the_second(unix_s: int) -> str:
    """Return a time without its fraction. Sessions of one moment start in the same second and end in few."""
    return (EPOCH + timedelta(seconds=unix_s)).replace(tzinfo=None).isoformat(timespec="seconds")
