"""Alarms under any sequence of looks and acknowledgements: none flaps, and none is lost."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from admin_ui.alarms.findings import Finding, Judgement
from admin_ui.alarms.lifecycle import Alarms
from admin_ui.alarms.mutes import LONGEST_MUTE_S
from admin_ui.grid.event_log import HISTORY
from tests.unit.admin_ui.alarms.looks import BAD, BETWEEN, FINE, OFF_S, ON_S, RULES, at, events, looks, raised

KEYS = [(name, substation) for name in RULES for substation in ("", "s-1", "s-2")]


@given(st.lists(st.sampled_from([BETWEEN, FINE]), max_size=40), st.booleans())
def test_the_deadband_raises_nothing_and_clears_nothing(states: list[Judgement], was_raised: bool) -> None:
    alarms, now = raised() if was_raised else (Alarms(RULES), 0)
    states = [BETWEEN if was_raised else judgement for judgement in states]
    before = events(alarms)
    looks(alarms, ("Hot", "s-1"), states, now)
    assert events(alarms) == before


@given(st.lists(st.sampled_from(Judgement), max_size=120))
def test_an_alarm_changes_no_faster_than_its_delays(judgements: list[Judgement]) -> None:
    alarms = Alarms(RULES)
    looks(alarms, ("Hot", "s-1"), judgements)
    times = [event["unix_s"] for event in alarms.log.events]
    kinds = events(alarms)
    assert kinds == (["raised", "cleared"] * len(kinds))[: len(kinds)]
    least = {"raised": ON_S, "cleared": OFF_S}
    for kind, earlier, later in zip(kinds[1:], times, times[1:], strict=False):
        assert later - earlier >= least[kind]


class Console(RuleBasedStateMachine):
    """Alarms under whatever comes; `acknowledged` holds the ids that somebody has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.alarms = Alarms(RULES)
        self.second = 0
        self.seen: set[int] = set()
        self.bad: set[tuple[str, str]] = set()
        self.worst: dict[
            tuple[tuple[str, str], int], float
        ] = {}  # of each occurrence while it was seen to be true

    @rule(
        bad=st.sets(st.sampled_from(KEYS)),
        seconds=st.integers(1, 8),
        rush=st.sampled_from(["", "run-1"]),
        size=st.floats(0, 9),
    )
    def look(self, bad: set[tuple[str, str]], seconds: int, rush: str, size: float) -> None:
        self.bad = bad
        before = {alarm.id for alarm in self.alarms.open.values()}
        for _ in range(seconds):
            self.second += 1
            found = dict.fromkeys(bad, Finding(BAD, "so it is", size))
            self.alarms.look(found, (), at(self.second), rush)
            for key in (
                key for key in bad & self.alarms.open.keys() if not self.alarms.open[key].cleared_unix_s
            ):
                one = key, self.alarms.open[key].id
                self.worst[one] = max(self.worst.get(one, 0.0), size)
        replaced = {event["of"] for event in self.alarms.log.events if event["event"] == "cleared"}
        gone = before - {alarm.id for alarm in self.alarms.open.values()}
        assert gone <= self.seen | replaced  # what nobody has seen goes only by coming anew

    @precondition(lambda self: self.alarms.open)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.alarms.open)))
        alarm = self.alarms.open[chosen]
        was_true = alarm.cleared_unix_s is None
        self.seen |= set(self.alarms.acknowledge([alarm.id], "ann", at(self.second).unix_s))
        assert alarm.id in self.seen
        assert (chosen in self.alarms.open) == was_true
        assert self.alarms.acknowledge([alarm.id], "bob", at(self.second).unix_s) == []

    @rule(key=st.sampled_from(KEYS), lasts_s=st.floats(0.5, LONGEST_MUTE_S))
    def mute(self, key: tuple[str, str], lasts_s: float) -> None:
        made = self.alarms.mutes.put(*key, lasts_s, "why", "ann", at(self.second).unix_s)
        assert made.until_unix_s - at(self.second).unix_s <= LONGEST_MUTE_S + 1e-6

    @rule()
    def restart(self) -> None:
        kept: dict[str, Any] = json.loads(json.dumps(self.alarms.keep()))
        again = Alarms(RULES, kept)
        again.rush, again.judged = self.alarms.rush, self.alarms.judged
        now = at(self.second).unix_s
        assert again.shown(now) == self.alarms.shown(now)
        self.alarms = again

    @rule()
    def the_cause_ends(self) -> None:
        for _ in range(int(OFF_S) + 2):
            self.second += 1
            self.alarms.look({}, (), at(self.second))
        assert [a for a in self.alarms.open.values() if a.cleared_unix_s is None] == []
        assert [a for a in self.alarms.open.values() if a.acknowledged_unix_s is not None] == []

    @invariant()
    def every_critical_and_whatever_is_open_or_holds_is_in_a_count_of_the_header(self) -> None:
        shown = self.alarms.shown(at(self.second).unix_s)
        true = [a for (name, _), a in self.alarms.open.items() if name == "Hot" and a.cleared_unix_s is None]
        assert shown["counts"]["critical"] + shown["counts"]["muted_critical"] == len(true)
        assert all(a["muted"] != "rush hour" for a in shown["muted"] if a["severity"] == "critical")
        counts = shown["counts"]
        told = sum(
            counts[prefix + kind] for prefix in ("", "muted_") for kind in ("critical", "warning", "cleared")
        )
        assert told == len(self.alarms.open)
        assert counts["idle_mutes"] <= len(self.alarms.mutes.by_id)

    @invariant()
    def no_alarm_has_been_worse_than_its_worst(self) -> None:
        for key, alarm in self.alarms.open.items():
            assert alarm.worst.size >= self.worst.get((key, alarm.id), 0.0)

    @invariant()
    def the_history_is_numbered_without_a_gap_and_bounded(self) -> None:
        numbers = [event["number"] for event in self.alarms.log.events]
        assert len(numbers) <= HISTORY
        assert numbers == list(range(self.alarms.version - len(numbers) + 1, self.alarms.version + 1))


TestConsole = Console.TestCase
