"""The contract of the load test with programs that start it: options, bounds, exit codes and files.

Pure. Rules:

- the load test writes, the console reads; both directions of each format stand side by side here;
- a value that is written to a file or a line keeps its spelling, since files of older runs are read too.
"""

import dataclasses
import enum
import json
import re
import signal
from collections.abc import Iterable, Mapping
from typing import Any

from loadtest.events import UNREADABLE, read_fields

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
NO_END = "no end"  # the verdict of a run that is in progress or was killed: its last line is no EndEvent

USAGE = 2  # the exit code of a command line that can't be used


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
        found = [read_fields(PresetSummary, each) for each in json.loads(text)["presets"]]
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
