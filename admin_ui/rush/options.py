"""What an operator may ask of the load test, and the arguments that say so.

Pure. Only values that were checked here become arguments, each as one argument of its own; no shell reads them.
"""

import dataclasses
import re
from collections.abc import Collection, Sequence
from typing import Any

DEFAULT_PRESET = "rush-hour"
DEFAULT_SEED = 1
MOST_SEED = 2**53
MOST_REQUESTS = 100_000
LEAST_SECONDS, MOST_SECONDS = 0.1, 3600.0
LISTED = re.compile(r"([a-z0-9-]{1,40})\s+(\S.*)")
RUN_ID = r"\d{8}T\d{6}Z-[a-z0-9-]{1,40}-\d{1,16}-[0-9a-f]{4}"
LEAST_COMPARED, MOST_COMPARED = 2, 10


@dataclasses.dataclass(frozen=True, slots=True)
class RushHourOptions:
    """One run; None stands for what the preset says."""

    preset: str
    seed: int
    requests: int | None = None
    seconds: float | None = None

    def asked(self) -> dict[str, Any]:
        """Return it as it is shown and audited."""
        return dataclasses.asdict(self)

    def arguments(self) -> list[str]:
        """Return it as arguments of the load test."""
        given = {"--seed": self.seed, "--requests": self.requests, "--seconds": self.seconds}
        options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
        return [self.preset, "--progress", "jsonl", "--end-sessions-on-stop", *options]


@dataclasses.dataclass(frozen=True, slots=True)
class StopOptions:
    """The run to stop, and whether to end its sessions too; without an id, the run that has no id yet."""

    run_id: str | None
    end_sessions: bool


def read_stop(asked: object) -> StopOptions:
    """Parse which run to stop and how; raises ValueError with a message for the client."""
    if not isinstance(asked, dict) or asked.keys() != {"run_id", "end_sessions"}:
        raise ValueError("send an object with run_id and end_sessions")
    run_id, end_sessions = asked["run_id"], asked["end_sessions"]
    if run_id is not None and not (isinstance(run_id, str) and re.fullmatch(RUN_ID, run_id)):
        raise ValueError("run_id must be the id of a run, or null while it has none")
    if not isinstance(end_sessions, bool):
        raise ValueError("end_sessions must be true or false")  # noqa: TRY004 - it is a value that a client has sent
    return StopOptions(run_id, end_sessions)


def presets(text: str) -> dict[str, str]:
    """Return the presets with a line about each, from what the load test lists; the default one is first."""
    listed = (match for line in text.splitlines() if (match := LISTED.fullmatch(line.strip())))
    found = {match[1]: match[2] for match in listed}
    return {name: found[name] for name in sorted(found, key=lambda each: each != DEFAULT_PRESET)}


def read(asked: object, known: Collection[str]) -> RushHourOptions:
    """Return what was asked for; raises ValueError in words."""
    if not isinstance(asked, dict):
        raise ValueError("an object is wanted")  # noqa: TRY004 - it is a value that a client has sent
    if unknown := asked.keys() - {field.name for field in dataclasses.fields(RushHourOptions)}:
        raise ValueError(f"there is no option {min(unknown)!r}")
    preset = asked.get("preset", DEFAULT_PRESET)
    if not isinstance(preset, str) or preset not in known:
        raise ValueError(f"there is no preset {str(preset)[:40]!r}; there are {', '.join(known)}")
    seed = _number("seed", asked.get("seed", DEFAULT_SEED), 0, MOST_SEED)
    requests, seconds = asked.get("requests"), asked.get("seconds")
    return RushHourOptions(
        str(preset),
        _whole("seed", seed),
        None if requests is None else _whole("requests", _number("requests", requests, 1, MOST_REQUESTS)),
        None if seconds is None else _number("seconds", seconds, LEAST_SECONDS, MOST_SECONDS),
    )


def compared(run_ids: Sequence[str]) -> list[str]:
    """Return the runs to compare, each once; raises ValueError in words."""
    found = list(dict.fromkeys(run_ids))
    if not LEAST_COMPARED <= len(found) <= MOST_COMPARED:
        raise ValueError(f"{LEAST_COMPARED} to {MOST_COMPARED} runs are compared, not {len(found)}")
    for run_id in found:
        if not re.fullmatch(RUN_ID, run_id):
            raise ValueError(f"{run_id[:80]!r} is no id of a run")
    return found


def _number(name: str, value: object, low: float, high: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:.16g}")
    return value


def _whole(name: str, value: float) -> int:
    if value != int(value):
        raise ValueError(f"{name} must be a whole number")
    return int(value)
