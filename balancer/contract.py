"""The commands that a balancer takes, and its answers.

Pure.
"""

import dataclasses
from enum import StrEnum

from runtime.changes import Table
from runtime.values import value
from substation.contract import Session
from substation.plan import Plan

FLEET = Table("fleet", "substations", "substation_id", "report_age_s")  # of `/fleet` and its stream
TAKES_NO_CARS = frozenset({"ejected", "gone", "conflict"})  # states of `/fleet`; draining is a separate flag
ORDER_UNTIL = "Order-Until"  # header of an order: the unix second from which a balancer refuses it
CURSOR = "[a-z0-9-]{1,63}:[0-9]{1,18}"  # a regular expression; the substation and the number to go on from


def left_out(state: str, *, draining: bool) -> str:
    """Return why the capacity of a substation is not usable for new cars; '' when it is.

    `state` and `draining` are those of a row of `/fleet`. The reason is the state, or `draining`.
    """
    if state in TAKES_NO_CARS:
        return state
    return "draining" if draining else ""


class BalancerOutcome(StrEnum):
    """How a balancer answers."""

    ADMITTED = "admitted"
    STOPPED = "stopped"
    FOUND = "found"
    NOT_FOUND = "not_found"
    NO_CAPACITY = "no_capacity"  # nothing was placed; come back after retry_after_ms
    NO_SUBSTATION = "no_substation"  # none can be asked now; nothing was placed
    UNKNOWN = "unknown"  # ask again with the same key
    UNAVAILABLE = "unavailable"  # nobody was asked: no order book, or no turn; ask again with the same key
    WITHDRAWN = "withdrawn"  # no key: whatever was placed is being ended; ask anew
    UNREACHABLE = "unreachable"  # the owner of a session does not answer
    EXCEEDS_CAPACITY = "exceeds_capacity"  # more power than any substation is rated for
    UNKNOWN_SUBSTATION = "unknown_substation"
    DONE = "done"  # an operator's order, confirmed by the substation
    INVALID = "invalid"  # an order that can't be carried out
    KEY_REUSED = "key_reused"  # the key came before with another request
    VEHICLE_CHARGING = "vehicle_charging"  # the vehicle has another session, or another request in progress


@value(frozen=True, slots=True)
class Charge:
    """Place a session for `caller`. `key` is '' when it gave none; `substations` is empty for any."""

    key: str
    fingerprint: str  # of what is asked for; it matters only under a key
    vehicle_id: str
    plan: Plan
    substations: tuple[str, ...] = ()
    max_wait_ms: int = 0  # how long the caller would wait for room
    caller: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class StopSession:
    """End a session; a session of another caller is not found. `caller` '' finds all, for operators."""

    session_id: str
    caller: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class FindSession:
    """Look a session up; `caller` as for StopSession."""

    session_id: str
    caller: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ListSessions:
    """List up to `limit` sessions of a vehicle; `cursor` is '' or what the page before gave: CURSOR.

    Only sessions that `caller` asked for; with '' those of all callers.
    """

    vehicle_id: str
    cursor: str
    limit: int
    caller: str = ""


Command = Charge | StopSession | FindSession | ListSessions


@value(frozen=True, slots=True)
class BalancerAnswer:
    """The answer to one command; `session` where there is one, `detail` in words where it helps.

    A page is FOUND with `sessions`; `next_cursor` continues it, '' at the end.
    """

    outcome: BalancerOutcome
    session: Session | None = None
    retry_after_ms: int = 0
    detail: str = ""
    sessions: tuple[Session, ...] = ()
    next_cursor: str = ""
