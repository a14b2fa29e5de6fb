"""The requests of a run, each with its attempts, its answer and the session that it got.

Pure.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from loadtest.units import J_PER_KWH, MS_PER_MINUTE, MS_PER_S, W_PER_KW
from substation.plan import Plan

UNAVAILABLE = 503


class RequestOutcome(enum.StrEnum):
    """How a request ended for the client."""

    ADMITTED = "admitted"
    REFUSED = "refused"  # there is no session
    FAILED = "failed"  # no answer, an answer that leaves the outcome open, or one that is wrong


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """A session as its client knows it from the 201: [started, expected_end) in unix ms.

    `releases` are the moments at which its plan gives power back: pairs of (unix ms, watts) that add up to `power_w`.
    """

    session_id: str
    substation_id: str
    power_w: int
    started_unix_ms: int
    expected_end_unix_ms: int
    releases: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, body: Mapping[str, Any], vehicle_id: str) -> "Session":
        """Return the session in the body of a 201 for `vehicle_id`; raises ValueError when the body breaks the contract."""
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
        """Return the session with the power that its substation really reserved: `reserved` of `GET /charge/{id}`.

        A session that was stopped or paused gives power back at other times than its 201 says. Raises
        ValueError when `steps` break the contract.
        """
        try:
            levels = [(_unix_ms(step["from"]), round(step["power_kw"] * W_PER_KW)) for step in steps]
        except (KeyError, TypeError) as error:
            raise ValueError(f"a step of a reservation is incomplete: {error!r}") from error
        powers_w = [self.power_w, *(power_w for _, power_w in levels)]
        freed = [
            (at, before - after)
            for (at, after), before in zip(levels, powers_w, strict=False)
            if before != after
        ]
        return dataclasses.replace(self, releases=tuple(freed))


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a request: its times in unix seconds, the status (None: no answer) and its outcome."""

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
    def has_retry_after(self) -> bool:
        """Whether the answer is a 503 with a Retry-After."""
        return self.status == UNAVAILABLE and self.retry_after_s is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request: its times in unix seconds, the status (None: no answer) and its outcome.

    `sent_unix_s` is of the first sending; everything else is of the last answer. `reason` says why there is no
    session: the problem's type, or the name of the fault. `body` is the JSON of the answer as it came.
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
        """The outcome by its first answer."""
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


def _unix_ms(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return round(moment.timestamp() * MS_PER_S)
