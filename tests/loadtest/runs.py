"""A run that was measured, made by hand."""

import dataclasses
from typing import Any

from loadtest.judge.result import Measurements
from loadtest.record.generator_health import OK, GeneratorHealth
from loadtest.record.readings import FleetSample, Reading
from loadtest.record.requests import Attempt, Request, RequestOutcome, Session

IDS = ("substation-1", "substation-2")
ZERO = Reading(
    load_w=0,
    capacity_w=20_000,
    sessions_active=0,
    epoch=1,
    admitted=0,
    refused=0,
    commits=0,
    admission_overload_ws=0,
    derating_overload_ws=0,
    energy_j=0,
)


def admitted(index: int, substation_id: str, **other: Any) -> Request:
    session = Session(
        f"session-{index}", substation_id, 10_000, 1_000 * index, 1_000_000, ((1_000_000, 10_000),)
    )
    sent_unix_s, answered_unix_s = 100 + index / 1000, 100.1 + index / 1000
    answered = Request(
        index,
        f"EV-1-{index}",
        100,
        sent_unix_s,
        answered_unix_s,
        RequestOutcome.ADMITTED,
        201,
        session=session,
        attempts=(Attempt(sent_unix_s, answered_unix_s, RequestOutcome.ADMITTED, 201, ""),),
    )
    return dataclasses.replace(answered, **other)


def perfect() -> Measurements:
    """Four cars, two on each substation, which are full to the last watt and alike."""
    after = dataclasses.replace(ZERO, load_w=20_000, admitted=2, commits=1, energy_j=3_600_000)
    return Measurements(
        planned=4,
        sent=4,
        interrupted=False,
        from_unix_s=100,
        until_unix_s=104,
        requests=[admitted(index, IDS[index % 2]) for index in range(4)],
        substation_ids=IDS,
        samples=[
            FleetSample(100, dict.fromkeys(IDS, ZERO)),
            FleetSample(101, dict.fromkeys(IDS, dataclasses.replace(ZERO, load_w=10_000))),
            FleetSample(102, dict.fromkeys(IDS, dataclasses.replace(ZERO, load_w=20_000))),
        ],
        missed_readings=0,
        before=dict.fromkeys(IDS, ZERO),
        after=dict.fromkeys(IDS, after),
        generator=GeneratorHealth(1.0, 5.0, 0.1, 1.0, OK, ""),
        time_scale=120.0,
    )


def changed(measured: Measurements, substation_id: str, **after: Any) -> Measurements:
    reading = dataclasses.replace(measured.after[substation_id], **after)
    return dataclasses.replace(measured, after={**measured.after, substation_id: reading})


def with_last(measured: Measurements, **other: Any) -> Measurements:
    last = dataclasses.replace(measured.requests[-1], **other)
    return dataclasses.replace(measured, requests=[*measured.requests[:-1], last])
