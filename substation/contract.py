"""The commands that a substation takes, and its answers and reports.

Pure. Watts, joules and milliseconds are whole numbers. `_ms` alone is grid time; `unix_ms` and `remaining_ms` are wall time.
"""

import dataclasses
import operator
import re
from enum import StrEnum
from typing import Any

from runtime.values import value
from substation.plan import Plan

# The release schedule: cumulative watts that known plans will free within so many seconds of wall time. The first points
# are close together because placement needs them between polls (1 s). From 8 s on, each point is at most 1.25 times the
# one before it, so Retry-After is at most that much too long (docs/adr/0018). The last is "some day", and equals the load.
RELEASES_WITHIN_S = (
    0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 26.0, 30.0,
    36.0, 44.0, 52.0, 60.0, 75.0, 90.0, 110.0, 135.0, 165.0, 200.0, 245.0, 300.0, 360.0, 440.0, 540.0,
    660.0, 780.0, 900.0, 1100.0, 1350.0, 1650.0, 2000.0, 2400.0, 3000.0, 3600.0, 4500.0, 5400.0, 6600.0,
    8000.0, 9600.0, 11700.0, 4 * 3600.0, float("inf"),
)  # fmt: skip
# Bounds of what a balancer believes: see `session_fault` and balancer/report_fault.py.
SUBSTATION_ID = "[a-z0-9][a-z0-9-]{0,62}"  # regular expressions
JOURNAL_ID = "[A-Za-z0-9._-]{1,64}"
SESSION_ID = rf"{SUBSTATION_ID}\.[A-Za-z0-9_-]{{1,64}}"
MOST_W = 10**9  # the highest CAPACITY_KW
LAST_UNIX_MS = 253_402_300_799_999  # the end of the year 9999

BASE_LOAD = "base_load"  # why a session is paused: the base load has risen into its room
PAUSE_REASONS = frozenset({"", BASE_LOAD})
MOST_LISTED = 1000  # sessions of one page
MOST_STREAMED = 100  # a message may hold the answers to hundreds of calls, and at most 4 MiB


class SessionState(StrEnum):
    """The state of a session, or of a key that has none (`REFUSED`).

    `PAUSED` is an open session that gets no power for a while, because the base load needs it.
    """

    REFUSED = "refused"
    CHARGING = "charging"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"


class SubstationOutcome(StrEnum):
    """How a substation answers. `UNAVAILABLE` and `NOT_ME` decide nothing: ask again."""

    PLACED = "placed"
    REFUSED = "refused"  # no room, draining or withdrawn: durable for this key and attempt
    STALE = "stale"  # a later attempt of this key is known here
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    FOUND = "found"
    NOT_FOUND = "not_found"
    DONE = "done"  # an operator's order
    INVALID = "invalid"  # an order that can't be carried out
    NOT_ME = "not_me"
    WRONG_BOOK = "wrong_book"
    UNAVAILABLE = "unavailable"


@value(frozen=True, slots=True)
class Place:
    """Admit `key` at its `attempt`, on behalf of the order book `book_id`; the session will belong to `caller`.

    `journal_id` is the journal that must answer, '' for any: another one does not know the key.
    """

    book_id: str
    key: str
    attempt: int
    vehicle_id: str
    plan: Plan
    caller: str = ""
    journal_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Withdraw:
    """End the session of `key`, or make sure that it can't be placed up to `attempt`; `journal_id` as in Place."""

    key: str
    attempt: int
    journal_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Settle:
    """Return the session of `key`; if it has none, refuse it durably up to `attempt`. `journal_id` as in Place."""

    key: str
    attempt: int
    journal_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class StopSession:
    """End a session; an ended one stays as it is. Another caller's is not found; `caller` '' finds all, for operators."""

    session_id: str
    caller: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class FindSession:
    """Look a session up; `caller` as for StopSession."""

    session_id: str
    caller: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ListSessions:
    """List sessions past number `after`, in the order of admission; '' is any vehicle, and any caller.

    `limit` is brought within 1 and MOST_LISTED; on the stream, where many answers share a message, MOST_STREAMED.
    """

    after: int
    limit: int
    vehicle_id: str = ""
    caller: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """Admit no new session (`on`), or admit again; the running ones finish."""

    on: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Derate:
    """Lower the limit to `limit_w`, at most the rated capacity; 0 restores it. Nobody is cut off."""

    limit_w: int


@dataclasses.dataclass(frozen=True, slots=True)
class Foresee:
    """Upper bounds of the base load to come: watts by the quarter hour of the calendar, counted from a Monday, 00:00."""

    first_slot: int
    upper_w: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Bind:
    """Belong to the order book `book_id` from now on, if this substation belongs to none, or to one of `former`.

    The new book follows those: it has their keys, or an operator has said that they are lost.
    """

    book_id: str
    former: tuple[str, ...]


Command = (
    Place | Withdraw | Settle | StopSession | FindSession | ListSessions | Drain | Derate | Foresee | Bind
)


@value(frozen=True, slots=True)
class Session:
    """One car charging. `ended_unix_ms` is 0 until it ends; it belongs to `caller`.

    While it is paused, `paused_since_unix_ms` and `paused_because` say so, and its end will be later by the length of the
    pause. `pauses_ms` is how long all its earlier pauses lasted, in grid time; `first_end_unix_ms` is the end that was
    expected before these moved it, 0 if none did.
    """

    session_id: str
    substation_id: str
    vehicle_id: str
    state: SessionState
    plan: Plan
    delivered_j: int
    started_unix_ms: int
    expected_end_unix_ms: int
    ended_unix_ms: int = 0
    caller: str = ""
    paused_since_unix_ms: int = 0
    paused_because: str = ""
    pauses_ms: int = 0
    first_end_unix_ms: int = 0

    def fields(self) -> dict[str, Any]:
        """Return it flat, under the names that messages and JSON use."""
        plan = self.plan
        return {
            **dict(zip(SESSION_FIELDS, _session_values(self), strict=True)),
            "energy_j": plan.energy_j,
            "power_w": plan.power_w,
            "stay_ms": plan.stay_ms,
            "taper": plan.taper,
        }


SESSION_FIELDS = tuple(field.name for field in dataclasses.fields(Session) if field.name != "plan")
_session_values = operator.attrgetter(*SESSION_FIELDS)
_is_session_id = re.compile(SESSION_ID).fullmatch


@value(frozen=True, slots=True)
class SubstationAnswer:
    """The answer to one command.

    `session` for placed, stopped and found; `sessions` for a page, which `next_after` continues (0:
    it was the last).
    """

    outcome: SubstationOutcome
    session: Session | None = None
    sessions: tuple[Session, ...] = ()
    next_after: int = 0


@value(frozen=True, slots=True)
class Report:
    """A substation's load at one moment; of two, the one with the higher (epoch, seq) is newer.

    `capacity_w` is the limit now, `rated_w` what it is when not derated; `releases_w` are cumulative
    watts by RELEASES_WITHIN_S. `book_id` is the only order book whose requests are accepted, '' for any; a page does not have it.
    `load_w` is what charging sessions reserve, `base_load_w` what the transformer carries besides; `owed_w` is what the `paused`
    ones of the `sessions` will reserve when they resume. `calendar_s` is grid time since a Monday, 00:00; 0: not told.
    `kept_w` is kept free for the base load to come. `base_load_stale`: no meter has told `base_load_w`, it is assumed.
    """

    substation_id: str
    journal_id: str
    epoch: int
    seq: int
    load_w: int
    capacity_w: int
    draining: bool
    releases_w: tuple[int, ...]
    sessions: int = 0
    rated_w: int = 0
    book_id: str = ""
    base_load_w: int = 0
    owed_w: int = 0
    paused: int = 0
    calendar_s: int = 0
    kept_w: int = 0
    base_load_stale: bool = False

    @property
    def taken_w(self) -> int:
        """The watts that no new session can have: base load, charging sessions, what paused ones are owed, and what is kept."""
        return self.load_w + self.base_load_w + self.owed_w + self.kept_w


def owner(session_id: str) -> str:
    """Return the id of the substation that owns a session; '' if this is no session id."""
    return session_id.rpartition(".")[0]


def session_fault(session: Session) -> str:
    """Return in words what is impossible in a session; '' for a plausible one."""
    session_id = session.session_id
    if not _is_session_id(session_id) or session_id.rpartition(".")[0] != session.substation_id:
        return f"{session.session_id[:80]!r} is no session of {session.substation_id[:80]!r}"
    times = (
        session.started_unix_ms,
        session.expected_end_unix_ms,
        session.ended_unix_ms,
        session.paused_since_unix_ms,
        session.first_end_unix_ms,
    )
    if min(times) < 0 or max(times) > LAST_UNIX_MS:
        return f"{session.session_id} has times that are none: {times}"
    if session.plan.power_w > MOST_W or not 0 <= session.delivered_j <= session.plan.energy_j:
        return f"{session.session_id} has more power or energy than can be"
    if session.paused_because not in PAUSE_REASONS or session.pauses_ms < 0:
        return f"{session.session_id} is paused because of {session.paused_because[:80]!r}, or was for a negative time"
    return ""
