"""Looks of a console at the grid, one after the other, for tests of alarms."""

from admin_ui.alarms.findings import Finding, Judgement
from admin_ui.alarms.lifecycle import Alarms, ClockReading
from admin_ui.alarms.rules import Rule, Severity

ON_S, OFF_S = 3.0, 5.0
RULES = {
    name: Rule(name, severity, "Title", "Do this.", ON_S, OFF_S)
    for name, severity in (("Hot", Severity.CRITICAL), ("Warm", Severity.WARNING))
}
FINE, BETWEEN, BAD = Judgement.FINE, Judgement.BETWEEN, Judgement.BAD


def at(second: float) -> ClockReading:
    return ClockReading(second, 1_000_000 + second)


def looks(
    alarms: Alarms, key: tuple[str, str], judgements: list[Judgement], start_s: int = 0, rush: str = ""
) -> int:
    """One look a second; returns the second after."""
    for second, judgement in enumerate(judgements, start_s):
        alarms.look({key: Finding(judgement, "so it is")}, (), at(second), rush)
    return start_s + len(judgements)


def raised(*, key: tuple[str, str] = ("Hot", "s-1"), rush: str = "") -> tuple[Alarms, int]:
    alarms = Alarms(RULES)
    now = looks(alarms, key, [BAD] * 5, rush=rush)
    assert key in alarms.open
    return alarms, now


def events(alarms: Alarms) -> list[str]:
    return [event["event"] for event in alarms.log.events]
