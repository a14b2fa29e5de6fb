"""What a report says of the base load, of the sessions that it paused, and of overload by its cause.

Pure. A figure that was not measured is a dash; a base load that was 0 all the time is `off`.
"""

from loadtest.paper.document import Document
from loadtest.paper.facts import Fact
from loadtest.paper.fields import mapping, number, text
from loadtest.paper.formats import MISSING, figure, watt_seconds, whole

CAUSES = {
    "admission": "overload by admission",
    "derating": "overload by a lowered limit",
    "base_load": "overload by base load",
}


def base_load(document: Document) -> list[Fact]:
    """Return the base load during a run, the pauses, the overload and the policy under which it ran."""
    found = mapping(document.result.get("base_load"))
    overload_ws = mapping(found.get("overload_ws"))
    return [
        Fact(
            "base load of the fleet", _amount(number(found.get("average_kw")), number(found.get("peak_kw")))
        ),
        Fact("sessions paused", whole(found.get("pauses")), "when the base load needed their power"),
        Fact("time in pauses", _minutes(found.get("pause_minutes")), "of all sessions, grid time"),
        *(Fact(name, _of_cause(overload_ws.get(cause))) for cause, name in CAUSES.items()),
        Fact("time above a limit", _minutes(found.get("overload_minutes")), "of all substations, grid time"),
        Fact("longest overload", _with_unit(found.get("longest_overload_s"), ".1f", "s"), "wall time"),
        Fact("policy", text(document.run.get("policy")) or MISSING),
    ]


def _amount(average_kw: float | None, peak_kw: float | None) -> str:
    if peak_kw is None:
        return "not measured"
    return f"average {whole(average_kw)} kW, peak {whole(peak_kw)} kW" if peak_kw else "off"


def _of_cause(overload_ws: object) -> str:
    return MISSING if number(overload_ws) is None else f"{watt_seconds(overload_ws)} W·s"


def _minutes(value: object) -> str:
    return _with_unit(value, ",.1f", "min")


def _with_unit(value: object, form: str, unit: str) -> str:
    return MISSING if number(value) is None else f"{figure(value, form)} {unit}"
