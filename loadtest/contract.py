"""The contract of the load test with programs that start it: options, bounds, progress, exit codes and files.

Pure. Rules:

- the load test writes, the console reads; both directions of each format stand side by side here;
- a line of progress is one event: an unknown kind, a missing field or a value of another type makes it unreadable;
- fields may be added to an event, and a reader ignores those that it does not know;
- a value that is written to a file or a line keeps its spelling, since files of older runs are read too.
"""

import dataclasses
import enum
import json
import math
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

# The command line
DEFAULT_PRESET = "rush-hour"
DEFAULT_SECONDS = 60.0
DEFAULT_SEED = 1  # its peaks are near the mean of all seeds
MAX_SEED = 2**53
MAX_REQUESTS = 100_000
MIN_SECONDS, MAX_SECONDS = 0.1, 3_600
MAX_RATE_PER_S = 5_000  # on average; a grid on one machine admits less
COMPARE = "compare"  # the command that compares runs
LIST_PRESETS = ("--list", "--json")  # prints `presets_json`
SEED, REQUESTS, SECONDS = "--seed", "--requests", "--seconds"
PROGRESS, JSON_LINES = "--progress", "jsonl"
END_SESSIONS_ON_STOP = "--end-sessions-on-stop"
API_KEY_FILE, OPERATOR_TOKEN_FILE, HTML = "--api-key-file", "--operator-token-file", "--html"

# Signals to a run that was started with END_SESSIONS_ON_STOP
END_SESSIONS = signal.SIGTERM  # stops the sending and ends the sessions of the run
KEEP_SESSIONS = signal.SIGUSR1  # stops the sending only

# The folder of a run
RUN_ID = re.compile(r"(?P<at>\d{8}T\d{6}Z)-(?P<preset>[a-z0-9-]{1,40})-(?P<seed>\d{1,16})-[0-9a-f]{4}")
RUN_ID_TIME = "%Y%m%dT%H%M%SZ"  # of the UTC moment in a run's id
RESULT_FILE, PROGRESS_FILE, REPORT_FILE = "result.json", "progress.jsonl", "report.html"
REQUESTS_FILE, SAMPLES_FILE = "requests.csv", "samples.csv"
FILES = (REPORT_FILE, RESULT_FILE, REQUESTS_FILE, SAMPLES_FILE, PROGRESS_FILE)
RESULT_HEAD_END = b'\n "requests":'  # only the lists of all requests and all samples follow
NO_END = "no end"  # the verdict of a run that goes on or was killed: its last line is no EndEvent

PROGRESS_SCHEMA = "smartgrid-progress/1"
USAGE = 2  # the exit code of a command line that can't be used
UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    RecursionError,
)  # what reading foreign JSON may raise

T = TypeVar("T")


class Verdict(enum.StrEnum):
    """How a run ended. The values are those of files and lines; `VERDICT_WORDS` has the words for people."""

    PASSED = "held"
    THRESHOLD_FAILED = "broken"
    CHANGED = "changed"  # every failed threshold may be due to a change on the grid
    INTERRUPTED = "interrupted"
    NOT_READY = "not ready"  # nothing was sent
    BUSY = "busy"  # another run holds the rush hour; nothing was sent
    LEASE_LOST = "lease lost"
    NOT_WRITTEN = "not written"
    ERROR = "failed"  # a fault of the load test, or a change to the grid that could not be ordered or undone


VERDICT_WORDS: Mapping[str, str] = {str(each): each.value for each in Verdict} | {
    Verdict.PASSED: "passed",
    Verdict.THRESHOLD_FAILED: "failed",
    Verdict.ERROR: "error",
}
EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.PASSED: 0,
    Verdict.THRESHOLD_FAILED: 1,
    Verdict.CHANGED: 5,
    Verdict.NOT_WRITTEN: 1,
    Verdict.ERROR: 1,
    Verdict.NOT_READY: 3,
    Verdict.BUSY: 4,
    Verdict.LEASE_LOST: 4,
    Verdict.INTERRUPTED: 130,
}
NOTHING_SENT = frozenset({Verdict.NOT_READY, Verdict.BUSY})
COMPLETE = frozenset({Verdict.PASSED, Verdict.THRESHOLD_FAILED, Verdict.CHANGED})


class EventKind(enum.StrEnum):
    """The kinds of lines, in the order in which a run writes them."""

    STARTED = "started"
    SETTLING = "settling"
    PROGRESS = "progress"
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
    """The load and the limit of one substation."""

    substation_id: str
    load_kw: float
    capacity_kw: float


@dataclasses.dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far the sending is. The percentiles are of response times, None before the first answer."""

    kind: ClassVar[EventKind] = EventKind.PROGRESS
    elapsed_s: float
    seconds: float
    planned: int
    sent: int
    admitted: int
    refused: int
    failed: int
    rate_per_s: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    substations: tuple[SubstationLoad, ...]


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


Event = StartEvent | SettlingEvent | ProgressEvent | EndingEvent | EndEvent
EVENTS: Mapping[str, type[Event]] = {
    each.kind: each for each in (StartEvent, SettlingEvent, ProgressEvent, EndingEvent, EndEvent)
}


def write_event(event: Event, at_unix_s: float) -> str:
    """Return the line of an event, with its line end."""
    return json.dumps({"kind": event.kind, "at_unix_s": at_unix_s, **dataclasses.asdict(event)}) + "\n"


def read_event(line: bytes | str) -> Event | None:
    """Return the event of a line; None when it can't be read, or is of an unknown kind."""
    try:
        fields = json.loads(line)
        return _read(EVENTS[fields["kind"]], fields)
    except UNREADABLE:
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class PresetSummary:
    """A preset as a list shows it; `requests` is None where it depends on the grid."""

    name: str
    about: str
    requests: int | None
    seconds: float


def presets_json(presets: Iterable[PresetSummary]) -> str:
    """Return the presets as `--list --json` prints them."""
    return json.dumps({"presets": [dataclasses.asdict(each) for each in presets]}, indent=1)


def read_presets(text: str) -> tuple[PresetSummary, ...]:
    """Return the presets of `presets_json`, the default one first; none when `text` can't be read."""
    try:
        found = [_read(PresetSummary, each) for each in json.loads(text)["presets"]]
    except UNREADABLE:
        return ()
    return tuple(sorted(found, key=lambda each: each.name != DEFAULT_PRESET))


def result_text(document: Mapping[str, Any]) -> str:
    """Return the document of a run as `RESULT_FILE` has it."""
    return json.dumps(document, indent=1)


def read_result_head(text: bytes) -> Mapping[str, Any] | None:
    """Return the document of a run without its lists of requests and samples; None when it can't be read.

    `text` is the beginning of `RESULT_FILE`, or all of it.
    """
    cut = text.find(RESULT_HEAD_END)
    try:
        document = json.loads(text[:cut].rstrip().rstrip(b",") + b"}" if cut > 0 else text)
    except UNREADABLE:
        return None
    return document if isinstance(document, dict) else None


def _read(kind: type[T], fields: Mapping[str, Any]) -> T:
    """Return a dataclass of the contract from a JSON object; raises one of UNREADABLE."""
    return kind(
        **{each.name: READERS[each.type](fields[each.name]) for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a finite number")
    return value


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    str | None: _or_none(_text),
    int: _number,
    int | None: _or_none(_number),
    float: _number,
    float | None: _or_none(_number),
    tuple[SubstationLoad, ...]: lambda loads: tuple(_read(SubstationLoad, each) for each in loads),
    Mapping[str, str]: dict,
}
