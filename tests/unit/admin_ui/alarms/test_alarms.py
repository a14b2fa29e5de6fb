"""Alarms neither flap nor stay, nobody acknowledges an alarm unseen, and a mute hides nothing."""

import math

import pytest

from admin_ui.alarms.findings import Finding
from admin_ui.alarms.lifecycle import FLOOD, Alarms
from admin_ui.alarms.mutes import MOST_MUTES, MuteRefused
from admin_ui.grid.event_log import HISTORY, RATE_S
from tests.unit.admin_ui.alarms.looks import BAD, BETWEEN, FINE, RULES, at, events, looks, raised


def test_what_is_shorter_than_the_delay_is_not_raised() -> None:
    alarms = Alarms(RULES)
    looks(alarms, ("Hot", "s-1"), [BAD, BAD, BAD, FINE, BAD, BAD, BETWEEN, BAD, BAD, BAD])
    assert alarms.open == {}
    looks(alarms, ("Hot", "s-1"), [BAD], 10)
    assert events(alarms) == ["raised"]


def test_what_is_over_stays_shown_until_it_is_acknowledged() -> None:
    alarms, now = raised()
    now = looks(alarms, ("Hot", "s-1"), [FINE] * 6, now)
    (alarm,) = alarms.shown(at(now).unix_s)["calling"]
    assert alarm["cleared_unix_s"] == at(now - 1).unix_s
    assert alarms.acknowledge([alarm["id"]], "ann", at(now).unix_s) == [alarm["id"]]
    assert alarms.open == {}
    assert events(alarms) == ["raised", "cleared", "acknowledged"]


def test_what_is_acknowledged_stays_shown_while_it_is_true() -> None:
    alarms, now = raised()
    (alarm,) = alarms.shown(at(now).unix_s)["calling"]
    alarms.acknowledge([alarm["id"]], "ann", at(now).unix_s)
    now = looks(alarms, ("Hot", "s-1"), [BAD] * 10, now)
    (alarm,) = alarms.shown(at(now).unix_s)["calling"]
    assert alarm["acknowledged_by"] == "ann"
    looks(alarms, ("Hot", "s-1"), [FINE] * 6, now)
    assert alarms.open == {}


def test_one_that_comes_back_is_not_acknowledged_by_the_id_of_before() -> None:
    alarms, now = raised()
    before = alarms.open["Hot", "s-1"].id
    now = looks(alarms, ("Hot", "s-1"), [FINE] * 6 + [BAD] * 4, now)
    again = alarms.open["Hot", "s-1"]
    assert again.times == 2
    assert alarms.acknowledge([before], "ann", at(now).unix_s) == []
    assert alarms.acknowledge([again.id], "ann", at(now).unix_s) == [again.id]


def test_what_is_not_known_stays_as_it_is_and_starts_the_delay_anew() -> None:
    alarms, now = raised()
    now = looks(alarms, ("Hot", "s-1"), [FINE] * 4, now)
    alarms.look({}, {"Hot"}, at(now + 100))
    looks(alarms, ("Hot", "s-1"), [FINE] * 4, now + 101)
    assert alarms.open["Hot", "s-1"].cleared_unix_s is None


def test_an_alarm_of_a_substation_that_is_shown_no_more_clears() -> None:
    alarms, now = raised()
    for second in range(now, now + 7):
        alarms.look({}, (), at(second))
    assert alarms.open["Hot", "s-1"].cleared_unix_s is not None


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [(0, "why"), (-1, "why"), (math.nan, "why"), (24 * 60 + 1, "why"), (5, "  "), (5, "x" * 201)],
)
def test_a_mute_has_an_end_within_a_day_and_a_reason(minutes: float, reason: str) -> None:
    with pytest.raises(MuteRefused):
        Alarms(RULES).mutes.put("Hot", "", minutes * 60, reason, "ann", 0.0)


def test_a_mute_of_what_there_is_no_rule_for_is_refused() -> None:
    with pytest.raises(MuteRefused, match="no rule"):
        Alarms(RULES).mutes.put("Cold", "", 60, "why", "ann", 0.0)


def test_mutes_are_bounded_and_one_of_the_same_takes_the_place_of_the_one_before() -> None:
    alarms = Alarms(RULES)
    for number in range(MOST_MUTES):
        alarms.mutes.put("Hot", f"s-{number // 2}", 60, "why", "ann", 0.0)
    assert len(alarms.mutes.by_id) == MOST_MUTES / 2


def test_a_muted_critical_is_counted_as_such_and_calls_again_when_the_time_is_over() -> None:
    alarms, now = raised()
    alarms.mutes.put("Hot", "s-1", 60, "being repaired", "ann", at(now).unix_s)
    counts = alarms.shown(at(now).unix_s)["counts"]
    assert (counts["critical"], counts["muted_critical"]) == (0, 1)
    looks(alarms, ("Hot", "s-1"), [BAD], now + 61)
    counts = alarms.shown(at(now).unix_s)["counts"]
    assert (counts["critical"], counts["muted_critical"]) == (1, 0)
    assert alarms.mutes.by_id == {}


def test_a_mute_of_one_substation_leaves_the_others() -> None:
    alarms, now = raised()
    alarms.mutes.put("Hot", "s-2", 60, "being repaired", "ann", at(now).unix_s)
    assert alarms.shown(at(now).unix_s)["counts"]["critical"] == 1


def test_a_rush_hour_mutes_warnings_while_it_runs_and_never_criticals() -> None:
    for key, muted in ((("Warm", "s-1"), "rush hour"), (("Hot", "s-1"), "")):
        alarms, now = raised(key=key, rush="run-1")
        assert [event["muted"] for event in alarms.log.events] == [muted]
        looks(alarms, key, [BAD], now)
        assert [a["muted"] for a in alarms.shown(at(now).unix_s)["calling"]] == [""]


def test_a_run_that_starts_does_not_mute_what_was_there_before() -> None:
    alarms, now = raised(key=("Warm", "s-1"))
    now = looks(alarms, ("Warm", "s-1"), [FINE] * 6, now)  # cleared, and not acknowledged
    now = looks(alarms, ("Warm", "s-2"), [BAD] * 5, now, rush="run-1")
    shown = alarms.shown(at(now).unix_s)
    assert [a["substation_id"] for a in shown["calling"]] == ["s-1"]
    assert [(a["substation_id"], a["muted"]) for a in shown["muted"]] == [("s-2", "rush hour")]
    assert (shown["counts"]["cleared"], shown["counts"]["muted_warning"]) == (1, 1)


def test_what_comes_up_in_a_run_calls_when_the_next_run_starts() -> None:
    alarms, now = raised(key=("Warm", "s-1"), rush="run-1")
    looks(alarms, ("Warm", "s-1"), [BAD], now, rush="run-2")
    assert [a["muted"] for a in alarms.shown(at(now).unix_s)["calling"]] == [""]


def test_a_mute_that_outlasts_its_cause_is_still_told() -> None:
    alarms, now = raised()
    alarms.mutes.put("Hot", "s-1", 600, "being repaired", "ann", at(now).unix_s)
    assert alarms.shown(at(now).unix_s)["counts"]["idle_mutes"] == 0
    now = looks(alarms, ("Hot", "s-1"), [FINE] * 6, now)
    counts = alarms.shown(at(now).unix_s)["counts"]
    assert (counts["idle_mutes"], counts["muted_cleared"]) == (1, 1)
    alarms.acknowledge([alarm.id for alarm in alarms.open.values()], "ann", at(now).unix_s)
    assert alarms.shown(at(now).unix_s)["counts"]["idle_mutes"] == 1


def test_one_that_has_cleared_shows_its_worst_and_not_its_last() -> None:
    alarms = Alarms(RULES)
    sizes = [(BAD, 1.01), (BAD, 1.30), (BAD, 1.02), (BAD, 1.02), (BAD, 1.21), (BETWEEN, 1.001)]
    sizes += [(FINE, 0.9)] * 6
    for second, (judgement, size) in enumerate(sizes):
        alarms.look({("Hot", "s-1"): Finding(judgement, f"{size} of its limit", size)}, (), at(second))
    (alarm,) = alarms.shown(0.0)["calling"]
    assert alarm["cleared_unix_s"] is not None
    assert alarm["worst"] == {
        "said": "1.3 of its limit",
        "size": 1.30,
    }  # before it was raised, within the delay
    assert alarms.log.newest(1)[0]["said"] == "At its worst: 1.3 of its limit"


def test_the_worst_is_over_all_times_that_nobody_has_acknowledged() -> None:
    alarms, now = Alarms(RULES), 0
    for size in (2.0, 1.5):
        for judgement in [BAD] * 5 + [FINE] * 6:
            alarms.look({("Hot", "s-1"): Finding(judgement, str(size), size)}, (), at(now))
            now += 1
    (alarm,) = alarms.shown(0.0)["calling"]
    assert (alarm["times"], alarm["worst"]["said"]) == (2, "2.0")
    alarms.acknowledge([alarm["id"]], "ann", 0.0)
    for second in range(now, now + 5):
        alarms.look({("Hot", "s-1"): Finding(BAD, "1.1", 1.1)}, (), at(second))
    assert alarms.shown(0.0)["calling"][0]["worst"]["said"] == "1.1"


def test_the_worst_of_an_alarm_of_an_older_console_is_what_it_said() -> None:
    alarms, _ = raised()
    kept = alarms.keep()
    for alarm in kept["alarms"]:
        del alarm["worst"], alarm["rush"]
    (alarm,) = Alarms(RULES, kept).open.values()
    assert alarm.worst.said == "so it is"


def test_raised_counts_have_the_muted_ones_too_and_a_flood_is_of_what_calls() -> None:
    alarms = Alarms(RULES)
    alarms.mutes.put("Hot", "", 600, "known", "ann", at(0).unix_s)
    found = {("Hot", f"s-{n}"): Finding(BAD, "so it is") for n in range(FLOOD + 1)}
    found["Warm", "s-1"] = Finding(BAD, "so it is")
    for second in range(5):
        alarms.look(found, (), at(second))
    shown = alarms.shown(at(5).unix_s)
    assert (shown["raised_in_10_min"], shown["raised_muted_in_10_min"]) == (FLOOD + 2, FLOOD + 1)
    assert not shown["flood"]


def test_more_than_ten_in_ten_minutes_are_a_flood_until_ten_minutes_later() -> None:
    alarms = Alarms(RULES)
    found = {("Hot", f"s-{n}"): Finding(BAD, "") for n in range(FLOOD + 1)}
    for second in range(5):
        alarms.look(found, (), at(second))
    shown = alarms.shown(at(5).unix_s)
    assert (shown["raised_in_10_min"], shown["flood"]) == (FLOOD + 1, True)
    assert not alarms.shown(at(5 + RATE_S).unix_s)["flood"]


def test_before_the_first_look_nothing_is_claimed() -> None:
    alarms = Alarms(RULES)
    assert not alarms.shown(0.0)["judged"]
    alarms.look({}, (), at(0))
    assert alarms.shown(0.0)["judged"]


def test_the_worst_comes_first_then_what_is_true_then_the_newest() -> None:
    alarms = Alarms(RULES)
    order = [("Warm", "s-1"), ("Hot", "s-1"), ("Hot", "s-2"), ("Hot", "")]
    now = 0
    for count in range(1, 5):
        for _ in range(5):
            alarms.look(dict.fromkeys(order[:count], Finding(BAD, "")), (), at(now))
            now += 1
    for second in range(now, now + 7):
        alarms.look(dict.fromkeys(order[:3], Finding(BAD, "")), (), at(second))
    shown = [(a["rule"], a["substation_id"]) for a in alarms.shown(at(now).unix_s)["calling"]]
    assert shown == [("Hot", "s-2"), ("Hot", "s-1"), ("Hot", ""), ("Warm", "s-1")]


def test_the_history_keeps_the_newest_thousand() -> None:
    alarms = Alarms(RULES)
    for number in range(HISTORY):
        alarms.mutes.put("Hot", "", 60, f"reason {number}", "ann", float(number))
        alarms.mutes.end(max(alarms.mutes.by_id), "ann", float(number))
    assert len(alarms.log.events) == HISTORY
    assert alarms.log.newest(1)[0]["number"] == 2 * HISTORY
