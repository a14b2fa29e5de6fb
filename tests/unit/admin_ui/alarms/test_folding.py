"""Alarms that have ended are folded by their rule: how often, how long, and the worst."""

import json

from admin_ui.alarms.findings import Finding, Judgement
from admin_ui.alarms.folding import MOST_LISTED, fold
from admin_ui.alarms.lifecycle import Alarms, ClockReading
from admin_ui.alarms.rules import RULES, scaled

NOW = scaled(RULES, 0)
OVER, DOWN = ("SubstationOverload", "substation-1"), ("SubstationDown", "substation-2")


def bad(said: str, size: float) -> Finding:
    return Finding(Judgement.BAD, said, size)


def came_and_went(
    alarms: Alarms, at_s: float, lasts_s: float, finding: Finding, key: tuple[str, str] = OVER
) -> None:
    alarms.look({key: finding}, (), ClockReading(at_s, at_s))
    alarms.look({}, (), ClockReading(at_s + lasts_s, at_s + lasts_s))


def test_nothing_has_ended_while_an_alarm_is_active() -> None:
    alarms = Alarms(NOW)
    alarms.look({OVER: bad("10 kW", 1.1)}, (), ClockReading(0, 0))
    assert fold(alarms.log.events, NOW) == []


def test_a_rule_is_one_line_with_its_worst_value_and_its_longest_time() -> None:
    alarms = Alarms(NOW)
    came_and_went(alarms, 0, 10, bad("10 kW too much", 1.01))
    came_and_went(alarms, 100, 40, bad("90 kW too much", 1.09))
    came_and_went(alarms, 200, 20, bad("20 kW too much", 1.02))
    came_and_went(alarms, 150, 5, bad("it does not answer", 0), DOWN)
    over, down = fold(alarms.log.events, NOW)
    assert (over["rule"], over["count"], over["worst"]) == ("SubstationOverload", 3, "90 kW too much")
    assert (over["longest_s"], over["total_s"], over["last_unix_s"]) == (40, 70, 220)
    assert [(each["lasted_s"], each["worst"]) for each in over["occurrences"]] == [
        (20, "20 kW too much"),
        (40, "90 kW too much"),
        (10, "10 kW too much"),
    ]
    assert (down["rule"], down["count"], down["worst_substation_id"]) == ("SubstationDown", 1, "substation-2")


def test_it_is_the_same_after_a_restart_and_only_the_newest_are_listed() -> None:
    alarms = Alarms(NOW)
    for n in range(MOST_LISTED + 5):
        came_and_went(alarms, 10 * n, 5, bad(f"{n} kW", 1 + n / 100))
    kept = Alarms(NOW, json.loads(json.dumps(alarms.keep())))
    (over,) = fold(kept.log.events, NOW)
    assert over == fold(alarms.log.events, NOW)[0]
    assert (over["count"], len(over["occurrences"])) == (MOST_LISTED + 5, MOST_LISTED)
    assert over["worst"] == f"{MOST_LISTED + 4} kW"


def test_an_event_of_an_older_console_or_of_a_rule_that_is_gone_does_no_harm() -> None:
    older = {
        "number": 9,
        "unix_s": 50.0,
        "event": "cleared",
        "of": 3,
        "substation_id": "s",
        "muted": "",
        "by": "",
    }
    events = [
        older | {"rule": "SubstationOverload", "said": "At its worst: 7 kW too much"},
        older | {"rule": "NoSuchRule", "said": "x"},
    ]
    (folded,) = fold(events, NOW)
    assert (folded["worst"], folded["longest_s"], folded["total_s"]) == ("7 kW too much", None, None)
