"""Reads a substation's page of metrics into a reading."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from loadtest.record.readings import Reading

PREFIX = "smartgrid_substation_"
READ_SAMPLES = tuple(
    PREFIX + name
    for name in (
        "load_watts",
        "capacity_watts",
        "sessions_active",
        "report_epoch",
        "sessions_total",
        "overload_watt_seconds_total",
        "energy_joules_total",
        "commit_seconds_count",
        "releases_watts",
        "draining",
        "base_load_watts",
        "pauses_total",
    )
)


def read_page(page: str, substation_id: str) -> Reading:
    """Read the page of one substation; raises ValueError when it is another's or lacks a series."""
    found: dict[tuple[str, str], float] = {}
    releases = []
    for family in text_string_to_metric_families(page):
        for name, labels, value, *_ in family.samples:
            if labels.get("substation") != substation_id or not name.startswith(PREFIX):
                continue
            found[
                name.removeprefix(PREFIX),
                labels.get("outcome") or labels.get("cause") or labels.get("change") or "",
            ] = value
            if "within" in labels:
                releases.append((float(labels["within"]), value))
    try:
        reading = _reading(found, tuple(sorted(releases)))
    except KeyError as error:
        raise ValueError(f"the metrics of {substation_id} lack {error}") from error
    if reading.capacity_w <= 0:
        raise ValueError(f"the capacity of {substation_id} is {reading.capacity_w} W")
    return reading


def _reading(found: Mapping[tuple[str, str], float], releases: tuple[tuple[float, float], ...]) -> Reading:
    return Reading(
        load_w=found["load_watts", ""],
        capacity_w=found["capacity_watts", ""],
        sessions_active=int(found["sessions_active", ""]),
        epoch=int(found["report_epoch", ""]),
        admitted=int(found["sessions_total", "admitted"]),
        refused=int(found["sessions_total", "refused"]),
        commits=int(found["commit_seconds_count", ""]),
        admission_overload_ws=found["overload_watt_seconds_total", "admission"],
        derating_overload_ws=found["overload_watt_seconds_total", "derating"],
        energy_j=found["energy_joules_total", ""],
        releases_w=releases,
        draining=bool(found["draining", ""]),
        stopped=int(found["sessions_total", "stopped"]),
        base_load_w=found.get(("base_load_watts", ""), 0.0),
        paused=int(found.get(("pauses_total", "paused"), 0)),
    )
