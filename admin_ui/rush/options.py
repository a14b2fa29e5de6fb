"""The options that an operator may give to the load test, and the arguments that they become.

Pure. Only values that were checked here become arguments, each one a separate argument; no shell reads them.
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from loadtest.contract import (
    DEFAULT_PRESET,
    DEFAULT_SEED,
    END_SESSIONS_ON_STOP,
    JSON_LINES,
    MAX_REQUESTS,
    MAX_SECONDS,
    MAX_SEED,
    MIN_SECONDS,
    PROGRESS,
    REQUESTS,
    RUN_ID,
    SECONDS,
    SEED,
)

LEAST_COMPARED, MOST_COMPARED = 2, 10


@dataclasses.dataclass(frozen=True, slots=True)
class RushHourOptions:
    """The options of a run; None stands for the value of the preset."""

    preset: str
    seed: int
    requests: int | None = None
    seconds: float | None = None

    def document(self) -> dict[str, Any]:
        """Return the options as they are shown and audited."""
        return dataclasses.asdict(self)

    def arguments(self) -> list[str]:
        """Return the options as arguments of the load test."""
        values = {SEED: self.seed, REQUESTS: self.requests, SECONDS: self.seconds}
        options = [text for name, value in values.items() if value is not None for text in (name, str(value))]
        return [self.preset, PROGRESS, JSON_LINES, END_SESSIONS_ON_STOP, *options]


@dataclasses.dataclass(frozen=True, slots=True)
class StopOptions:
    """The run to stop, and whether to end its sessions too; `run_id` is None for a run that has no id yet."""

    run_id: str | None
    end_sessions: bool


def parse_stop(document: object) -> StopOptions:
    """Return which run to stop and how; raises ValueError with a message for the client."""
    if not isinstance(document, dict) or document.keys() != {"run_id", "end_sessions"}:
        raise ValueError("send an object with run_id and end_sessions")
    run_id, end_sessions = document["run_id"], document["end_sessions"]
    if run_id is not None and not (isinstance(run_id, str) and RUN_ID.fullmatch(run_id)):
        raise ValueError("run_id must be the id of a run, or null while it has none")
    if not isinstance(end_sessions, bool):
        raise ValueError("end_sessions must be true or false")  # noqa: TRY004 - it is a value that a client has sent
    return StopOptions(run_id, end_sessions)


def parse_options(document: object, known: Collection[str]) -> RushHourOptions:
    """Return the options in a request; `known` are the presets. Raises ValueError with a message for the client."""
    if not isinstance(document, dict):
        raise ValueError("send an object")  # noqa: TRY004 - it is a value that a client has sent
    if unknown := document.keys() - {field.name for field in dataclasses.fields(RushHourOptions)}:
        raise ValueError(f"there is no option {min(unknown)!r}")
    preset = document.get("preset", DEFAULT_PRESET)
    if not isinstance(preset, str) or preset not in known:
        raise ValueError(f"there is no preset {str(preset)[:40]!r}; there are {', '.join(known)}")
    seed = _number("seed", document.get("seed", DEFAULT_SEED), 0, MAX_SEED)
    requests, seconds = document.get("requests"), document.get("seconds")
    return RushHourOptions(
        str(preset),
        _whole("seed", seed),
        None if requests is None else _whole("requests", _number("requests", requests, 1, MAX_REQUESTS)),
        None if seconds is None else _number("seconds", seconds, MIN_SECONDS, MAX_SECONDS),
    )


def parse_run_ids(run_ids: Sequence[str]) -> list[str]:
    """Return the runs to compare, each one once; raises ValueError with a message for the client."""
    found = list(dict.fromkeys(run_ids))
    if not LEAST_COMPARED <= len(found) <= MOST_COMPARED:
        raise ValueError(f"{LEAST_COMPARED} to {MOST_COMPARED} runs can be compared, not {len(found)}")
    for run_id in found:
        if not RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id[:80]!r} is not the id of a run")
    return found


def _number(name: str, value: object, low: float, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:.16g}")
    return value


def _whole(name: str, value: float) -> int:
    if value != int(value):
        raise ValueError(f"{name} must be a whole number")
    return int(value)
