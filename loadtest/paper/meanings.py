"""The meaning of each threshold, in plain words.

Pure. The names are those that `--fail-if` takes, and the names of the checks that every run makes.
"""

import dataclasses
from collections.abc import Mapping

from loadtest.judge.threshold import Threshold


@dataclasses.dataclass(frozen=True, slots=True)
class Meaning:
    """A title for a threshold, a sentence about its figure, and the unit of the figure."""

    title: str
    sentence: str
    unit: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ExplainedThreshold:
    """A threshold with its meaning, ready for a table; `limit` is in words, with the unit."""

    threshold: Threshold
    meaning: Meaning
    value: str
    limit: str


OPERATORS = {"<=": "at most", ">=": "at least", "<": "below", ">": "above", "==": "exactly", "!=": "not"}
SHARES = {"p50": "Half", "p90": "90 %", "p95": "95 %", "p99": "99 %", "p999": "99.9 %", "max": "All"}


def _latencies() -> dict[str, Meaning]:
    """Return the meanings of the percentiles of both latencies."""
    found = {}
    for name, share in SHARES.items():
        found[f"{name}_ms"] = Meaning(
            f"Response time, {name}",
            f"{share} of the cars had their final answer within this time after the planned moment.",
            "ms",
        )
        found[f"service_{name}_ms"] = Meaning(
            f"Service time, {name}",
            f"{share} of the attempts were answered within this time after they were sent.",
            "ms",
        )
    return found


MEANINGS: Mapping[str, Meaning] = _latencies() | {
    "overload_ws": Meaning(
        "Overload",
        "Power above a limit times its duration, as the substations counted it for sessions that they admitted.",
        "W·s",
    ),
    "base_load_overload_ws": Meaning(
        "Overload by base load",
        "Power above a limit times its duration, where the base load rose into the room of cars that charged.",
        "W·s",
    ),
    "overload_minutes": Meaning(
        "Time above a limit",
        "How long base load and cars were above the limit of a substation, in grid time, summed over the substations.",
        "min",
    ),
    "longest_overload_s": Meaning(
        "Longest overload",
        "The longest time for which one substation was above its limit, on the wall clock. Pauses of sessions end it.",
        "s",
    ),
    "pauses": Meaning(
        "Pauses", "How many times a session was paused because the base load needed its power."
    ),
    "pause_minutes": Meaning("Time in pauses", "How long sessions were paused, in grid time, in all.", "min"),
    "recomputed_kw": Meaning(
        "Highest excess over a limit",
        "The load of each substation, added up from the clients' own answers, less its limit.",
        "kW",
    ),
    "max_mean": Meaning(
        "Evenness of the load",
        "The utilization of the fullest substation over the mean of all, on average while the fleet is busy. 1 is perfectly even.",
    ),
    "imbalance_vs_oracle": Meaning(
        "Evenness against the oracle",
        "The evenness of the load over that of a placement that knows all cars in advance. 1 is as good.",
    ),
    "jain": Meaning("Jain's index", "Another measure of evenness, between 0 and 1. 1 is perfectly even."),
    "range": Meaning(
        "Range of utilization",
        "The utilization of the fullest substation less that of the emptiest, on average while the fleet is busy. 0.01 is one percentage point.",
    ),
    "fleet_peak": Meaning(
        "Peak of the fleet", "The highest load of all substations over the sum of their limits."
    ),
    "admitted": Meaning("Cars admitted", "Cars that got a session."),
    "refused": Meaning("Cars refused", "Cars whose last answer was a refusal."),
    "refused_share": Meaning(
        "Share of cars refused", "Cars whose last answer was a refusal, of all cars that were sent."
    ),
    "first_refused": Meaning(
        "Cars refused at first",
        "Cars whose first answer was a refusal, even if a later attempt was admitted.",
    ),
    "refused_without_retry_after": Meaning(
        "Refusals without a time to return", "Refusals that were not a 503 with Retry-After."
    ),
    "failed": Meaning("Requests failed", "Requests that ended with an error, or without an answer."),
    "failed_share": Meaning(
        "Share of requests failed",
        "Requests that ended with an error or without an answer, of all that were sent.",
    ),
    "retries": Meaning("Retries", "How often a request was sent again."),
    "late": Meaning(
        "Requests sent late",
        "Requests that the load generator sent more than 50 ms after the planned moment.",
    ),
    "dropped": Meaning("Requests never sent", "Requests that the load generator could not send in time."),
    "energy_kwh": Meaning("Energy delivered", "Energy that the substations delivered during the run.", "kWh"),
    "commits_per_100": Meaning(
        "Commits per 100 admissions",
        "How often the substations wrote to the disk. One write can hold several admissions.",
    ),
    "missed_readings": Meaning(
        "Missed readings", "Readings of substations that the load test asked for and did not get."
    ),
    "loop_lag_p99_ms": Meaning(
        "Delay of the load generator, p99",
        "In 99 % of the cases the load generator woke up within this time after it meant to.",
        "ms",
    ),
    "cpu_share": Meaning(
        "CPU of the load generator", "Its CPU time over the duration of the run. 1 is one whole core."
    ),
    "saturated": Meaning(
        "Load generator saturated",
        "1 if the load generator could not keep up. The latencies are then its own, not the grid's.",
    ),
    "every request ended": Meaning(
        "Outcome of every request", "Every planned request was sent, and has exactly one final outcome."
    ),
    "admissions counted and answered agree": Meaning(
        "Agreement on admissions",
        "The admissions that the substations counted, the 201 answers of the clients and the different session ids are equally many.",
    ),
}


def title(threshold: Threshold) -> str:
    """Return the title of a threshold; an unknown name is its own title."""
    meaning = MEANINGS.get(threshold.name)
    return meaning.title if meaning else threshold.name


def explain(threshold: Threshold) -> ExplainedThreshold:
    """Return a threshold with its meaning; an unknown name is its own title."""
    meaning = MEANINGS.get(threshold.name) or Meaning(threshold.name, "")
    operator, _, number = threshold.limit.partition(" ")
    limit = threshold.limit
    if operator in OPERATORS:
        limit = " ".join(filter(None, (OPERATORS[operator], number, meaning.unit)))
    measured = threshold.value[:1].isdigit() and threshold.value.replace(".", "").isdigit()
    first, _, second = threshold.limit.partition(" and ")
    if first == second:
        limit = f"{first} of each"
    value = f"{threshold.value} {meaning.unit}" if measured and meaning.unit else threshold.value
    return ExplainedThreshold(threshold, meaning, value, limit)
