"""What a run records: every request with its answer, and every reading of a substation."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from substation.plan import Plan

W_PER_KW = 1000
MS_PER_S = 1000
MS_PER_MINUTE = 60_000
J_PER_KWH = 3_600_000
UNAVAILABLE = 503


class RequestOutcome(enum.StrEnum):
    """How a request ended for the client."""

    ADMITTED = "admitted"
    REFUSED = "refused"  # a final no: there is no session
    FAILED = "failed"  # no answer, an answer that leaves the outcome open, or one that is wrong


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """A session as its client knows it from the 201: [started, expected_end) in unix ms.

    `releases` are when its plan gives power back: pairs of (unix ms, watts), that add up to `power_w`.
    """

    session_id: str
    substation_id: str
    power_w: int
    started_unix_ms: int
    expected_end_unix_ms: int
    releases: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, body: Mapping[str, Any], vehicle_id: str) -> "Session":
        """Read the body of a 201 to `vehicle_id`; raises ValueError when it breaks the contract."""
        try:
            if body["vehicle_id"] != vehicle_id:
                raise ValueError(f"the session is another vehicle's: {body['vehicle_id']}")
            start_ms, end_ms = _unix_ms(body["started_at"]), _unix_ms(body["expected_end"])
            plan = Plan(
                round(body["energy_kwh"] * J_PER_KWH),
                round(body["power_kw"] * W_PER_KW),
                round((body["stay_minutes"] or 0) * MS_PER_MINUTE),
            )
            wall_per_grid = (end_ms - start_ms) / plan.duration_ms
            releases = tuple(
                (start_ms + int(after * wall_per_grid), freed) for after, freed in plan.releases()
            )
            return cls(
                str(body["session_id"]), str(body["substation_id"]), plan.power_w, start_ms, end_ms, releases
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the 201 lacks something: {error!r}") from error

    def as_reserved(self, steps: Sequence[Mapping[str, Any]]) -> "Session":
        """Return the session as its substation really reserved power: `reserved` of `GET /charge/{id}`.

        A session that was stopped or paused gives power back at other times than its 201 said. Raises
        ValueError when `steps` break the contract.
        """
        try:
            told = [(_unix_ms(step["from"]), round(step["power_kw"] * W_PER_KW)) for step in steps]
        except (KeyError, TypeError) as error:
            raise ValueError(f"a step of a reservation is incomplete: {error!r}") from error
        powers_w = [self.power_w, *(power_w for _, power_w in told)]
        freed = [
            (at, before - after)
            for (at, after), before in zip(told, powers_w, strict=False)
            if before != after
        ]
        return dataclasses.replace(self, releases=tuple(freed))


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a request: its times in unix seconds, the status (None: no answer) and what it meant."""

    sent_unix_s: float
    answered_unix_s: float
    outcome: RequestOutcome
    status: int | None
    reason: str
    retry_after_s: float | None = None

    @property
    def service_ms(self) -> float:
        """Milliseconds from this sending to its answer, or to when it was given up."""
        return (self.answered_unix_s - self.sent_unix_s) * MS_PER_S

    @property
    def told_when(self) -> bool:
        """Whether it was refused with 503 and told when to come back."""
        return self.status == UNAVAILABLE and self.retry_after_s is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request: its times in unix seconds, the status (None: no answer) and what came of it.

    Sent is when it was sent first, all else is of its last answer. `reason` says why there is no session:
    the problem's type, or the fault in a word. `body` is the JSON of the answer as it came.
    """

    index: int
    vehicle_id: str
    intended_unix_s: float
    sent_unix_s: float
    answered_unix_s: float
    outcome: RequestOutcome
    status: int | None = None
    reason: str = ""
    session: Session | None = None
    body: Any = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def first_outcome(self) -> RequestOutcome:
        """What its first answer meant."""
        return self.attempts[0].outcome if self.attempts else self.outcome

    @property
    def late_ms(self) -> float:
        """Milliseconds from the intended sending to the first sending."""
        return (self.sent_unix_s - self.intended_unix_s) * MS_PER_S

    @property
    def response_ms(self) -> float:
        """Milliseconds from the intended sending to the last answer, waits and retries included.

        It is what an open model's client feels.
        """
        return (self.answered_unix_s - self.intended_unix_s) * MS_PER_S


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One substation's `/metrics` at one moment; the counters run since its start or its journal's."""

    load_w: float
    capacity_w: float
    sessions_active: int
    epoch: int
    admitted: int
    refused: int
    commits: int
    admission_overload_ws: float
    derating_overload_ws: float
    energy_j: float
    releases_w: tuple[tuple[float, float], ...] = ()  # (within so many seconds, watts freed by then)
    draining: bool = False
    stopped: int = 0  # sessions that somebody ended early

    @property
    def utilization(self) -> float:
        """Load over capacity."""
        return self.load_w / self.capacity_w


@dataclasses.dataclass(frozen=True, slots=True)
class FleetSample:
    """The readings of the whole fleet at about one moment; a substation that missed it is absent."""

    at_unix_s: float
    readings: Mapping[str, Reading]


def _unix_ms(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return round(moment.timestamp() * MS_PER_S)
