"""The events that a run of the load test reports, one a line: `loadtest.contract` has what else a program must know.

Pure. Rules:

- the load test writes, the console reads; both directions of a line stand side by side here;
- a line of progress is one event: an unknown kind, a missing field without a default, or a value of another type
  makes it unreadable;
- fields may be added to an event, and a reader ignores those that it does not know.
"""

import dataclasses
import enum
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

PROGRESS_SCHEMA = "smartgrid-progress/1"
UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    RecursionError,
)  # what reading foreign JSON may raise

T = TypeVar("T")


class EventKind(enum.StrEnum):
    """The kinds of lines, in the order in which a run writes them."""

    STARTED = "started"
    SETTLING = "settling"
    PROGRESS = "progress"
    JUDGING = "judging"
    ENDING = "ending"
    ENDED = "ended"


@dataclasses.dataclass(frozen=True, slots=True)
class StartEvent:
    """The first line: the options of the run. `requests` is None where it depends on the grid."""

    kind: ClassVar[EventKind] = EventKind.STARTED
    schema: str
    run_id: str
    preset: str
    seed: int
    requests: int | None
    seconds: float
    gateway_url: str
    balancer_url: str
    pid: int


@dataclasses.dataclass(frozen=True, slots=True)
class SettlingEvent:
    """What the run waits for before it sends, in words."""

    kind: ClassVar[EventKind] = EventKind.SETTLING
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class SubstationLoad:
    """The load of the cars, the limit and the base load of one substation."""

    substation_id: str
    load_kw: float
    capacity_kw: float
    base_load_kw: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class SendingFigures:
    """How far the sending of a run is: what the screen and a line of progress show alike."""

    elapsed_s: float
    seconds: float
    planned: int
    sent: int
    admitted: int
    refused: int
    failed: int
    rate_per_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class ProgressEvent(SendingFigures):
    """How far the sending is. The percentiles are of response times, None before the first answer.

    `waiting` counts the cars that got no session yet and wait to send their request again.
    """

    kind: ClassVar[EventKind] = EventKind.PROGRESS
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    substations: tuple[SubstationLoad, ...]
    waiting: int = 0


class ThresholdState(enum.StrEnum):
    """What a threshold looks like while a run goes on."""

    PENDING = "pending"  # its figure is known only later, or says too little yet
    PASSING = "passing"
    FAILING = "failing"


@dataclasses.dataclass(frozen=True, slots=True)
class LiveThreshold:
    """A threshold while a run goes on: its name, its title, its value so far, its limit in words, and its state."""

    name: str
    title: str
    value: str
    limit: str
    state: str


@dataclasses.dataclass(frozen=True, slots=True)
class LiveChange:
    """A change on the grid during a run: seconds after the first arrival could come, its kind, and words for people."""

    at_s: float
    what: str
    text: str
    planned: bool


@dataclasses.dataclass(frozen=True, slots=True)
class JudgingEvent:
    """The thresholds as they stand, and the changes on the grid so far."""

    kind: ClassVar[EventKind] = EventKind.JUDGING
    thresholds: tuple[LiveThreshold, ...]
    changes: tuple[LiveChange, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class EndingEvent:
    """How far a stop is with the sessions of the run: the counts of `StoppedSessions`, and the same in words."""

    kind: ClassVar[EventKind] = EventKind.ENDING
    sessions: int
    ended: int
    over: int
    remaining: int
    unknown: int
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class EndEvent:
    """The last line: how the run ended. `folder` is None when nothing was sent."""

    kind: ClassVar[EventKind] = EventKind.ENDED
    run_id: str
    verdict: str
    exit_code: int
    why: str
    folder: str | None
    paths: Mapping[str, str]


Event = StartEvent | SettlingEvent | ProgressEvent | JudgingEvent | EndingEvent | EndEvent
EVENTS: Mapping[str, type[Event]] = {
    each.kind: each
    for each in (StartEvent, SettlingEvent, ProgressEvent, JudgingEvent, EndingEvent, EndEvent)
}


def write_event(event: Event, at_unix_s: float) -> str:
    """Return the line of an event, with its line end."""
    return json.dumps({"kind": event.kind, "at_unix_s": at_unix_s, **dataclasses.asdict(event)}) + "\n"


def read_event(line: bytes | str) -> Event | None:
    """Return the event of a line; None when it can't be read, or is of an unknown kind."""
    try:
        fields = json.loads(line)
        return read_fields(EVENTS[fields["kind"]], fields)
    except UNREADABLE:
        return None


def read_fields(kind: type[T], fields: Mapping[str, Any]) -> T:
    """Return a dataclass of the contract from a JSON object; raises one of UNREADABLE.

    A field with a default was added later: it may be missing.
    """
    known: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(kind)  # type: ignore[arg-type]
    return kind(
        **{
            each.name: READERS[each.type](fields[each.name])
            for each in known
            if each.name in fields or each.default is dataclasses.MISSING
        }
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a finite number")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _each(kind: type[T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda values: tuple(read_fields(kind, each) for each in values)


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    str | None: _or_none(_text),
    int: _number,
    int | None: _or_none(_number),
    float: _number,
    float | None: _or_none(_number),
    bool: _truth,
    tuple[SubstationLoad, ...]: _each(SubstationLoad),
    tuple[LiveThreshold, ...]: _each(LiveThreshold),
    tuple[LiveChange, ...]: _each(LiveChange),
    Mapping[str, str]: dict,
}
