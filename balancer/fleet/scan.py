"""Reads a substation's report from its `/metrics` page.

Pure. A scan of the bytes finds the few samples needed; where it does not, the caller falls back to the
official parser. Both give the same samples (a property test holds them to that).
"""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from substation.contract import RELEASES_WITHIN_S, Report

PREFIX = "smartgrid_substation_"
NAMES = tuple(
    PREFIX + name
    for name in (
        "load_watts",
        "capacity_watts",
        "rated_watts",
        "draining",
        "report_epoch",
        "report_seq",
        "sessions_active",
        "releases_watts",
        "info",
    )
)
# A substation of an earlier version has none of these: they count as 0.
OPTIONAL = (
    "base_load_watts",
    "owed_watts",
    "sessions_paused",
    "calendar_seconds",
    "kept_watts",
    "base_load_stale",
)
ASKED = (*NAMES, *(PREFIX + name for name in OPTIONAL))
WITHIN = tuple("+Inf" if within == float("inf") else f"{within:g}" for within in RELEASES_WITHIN_S)

LABEL = rb'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(
    rb"^(" + b"|".join(name.encode() for name in ASKED) + rb")"
    rb"(?:\{((?:" + LABEL + rb",?)*)\})? ([^ \n]+)$",
    re.MULTILINE,
)
ONE_LABEL = re.compile(rb'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")


class MetricSample(NamedTuple):
    """One sample of the page."""

    name: str
    labels: Mapping[str, str]
    value: float


SAMPLES = len(NAMES) - 1 + len(WITHIN)


class PageReading(NamedTuple):
    """The contents of a page: the report, and the address of the substation's stream."""

    report: Report
    stream_address: str


class PageUnusable(Exception):
    """The page does not hold one substation's report; the message says what is wrong."""


def scan(page: bytes) -> list[MetricSample]:
    """Return the samples of ASKED; raises PageUnusable or ValueError where the bytes are not plain."""
    samples = []
    for name, labels, value in SAMPLE.findall(page):
        pairs = {key.decode(): _unescape(text.decode()) for key, text in ONE_LABEL.findall(labels)}
        samples.append(MetricSample(name.decode(), pairs, float(value)))
    return samples


def page_reading(samples: Iterable[MetricSample]) -> PageReading:
    """Put the report together; raises PageUnusable when a value is missing, repeated or not a whole number."""
    values: dict[str, float] = {}
    releases: dict[str, float] = {}
    info: Mapping[str, str] = {}
    owners = set[str]()
    count = 0
    for count, (name, labels, value) in enumerate(samples, start=1):  # noqa: B007 - the count is used after
        owners.add(labels.get("substation", ""))
        if name == PREFIX + "info":
            info = labels
        elif name == PREFIX + "releases_watts":
            releases[labels.get("within", "")] = value
        else:
            values[name.removeprefix(PREFIX)] = value
    _check(count, SAMPLES + len(values.keys() & set(OPTIONAL)), owners)
    try:
        report = Report(
            owners.pop(),
            info["journal"],
            _whole(values["report_epoch"]),
            _whole(values["report_seq"]),
            _whole(values["load_watts"]),
            _whole(values["capacity_watts"]),
            _flag(values["draining"]),
            tuple(_whole(releases[within]) for within in WITHIN),
            _whole(values["sessions_active"]),
            _whole(values["rated_watts"]),
            base_load_w=_whole(values.get("base_load_watts", 0.0)),
            owed_w=_whole(values.get("owed_watts", 0.0)),
            paused=_whole(values.get("sessions_paused", 0.0)),
            calendar_s=_whole(values.get("calendar_seconds", 0.0)),
            kept_w=_whole(values.get("kept_watts", 0.0)),
            base_load_stale=_flag(values.get("base_load_stale", 0.0)),
        )
        return PageReading(report, info["stream"])
    except (KeyError, ValueError, OverflowError) as error:
        raise PageUnusable(f"the page lacks or garbles {error}") from error


def _check(count: int, expected: int, owners: AbstractSet[str]) -> None:
    """Raise PageUnusable for a page that is not of one substation, or has too few samples or too many."""
    if count != expected or len(owners) != 1 or "" in owners:
        raise PageUnusable(
            f"a page of one substation has {expected} samples, this has {count} of {len(owners)} substations"
        )


def _flag(value: float) -> bool:
    return bool((0.0, 1.0).index(value))


def _whole(value: float) -> int:
    if not value.is_integer():  # neither NaN nor infinite
        raise ValueError(f"{value} is not a whole number")
    return int(value)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
