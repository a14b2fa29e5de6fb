"""What a view remembers between decisions is what a fresh look finds, whatever happened in between.

It remembers which members were healthy, which take cars, and what a snapshot says of one.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.fleet.snapshot import snapshot
from tests.support.examples import examples
from tests.unit.balancer.fleets import KW, Fleet, report, url

OWN = "own-book"
NAMES = ("a", "b", "c")
Event = Callable[[Fleet, float, int], object]


def polled(name: str, **changed: Any) -> Event:
    return lambda fleet, now_s, number: fleet.poll(report(name, seq=number, **changed), now_s)


def polled_elsewhere(name: str, journal: str) -> Event:
    """A page of one substation at the address of another."""

    return lambda fleet, now_s, number: fleet.roster.polled(
        url("c"), report(name, seq=number, epoch=number, journal_id=journal), now_s
    )


def heard(name: str, **changed: Any) -> Event:
    return lambda fleet, now_s, number: fleet.roster.adopt(report(name, seq=number, **changed), now_s)


def given_up(fleet: Fleet, _now_s: float, _number: int) -> None:
    if "b" in fleet.roster.members:
        fleet.roster.give_up("b")


EVENTS: tuple[Event, ...] = (
    *(polled(name) for name in NAMES),
    *(polled(name, draining=True) for name in NAMES),
    *(heard(name, book_id=book) for name in NAMES for book in (OWN, "other", "")),
    polled("a", journal_id="another"),
    polled_elsewhere("a", "journal-a"),
    polled_elsewhere("a", "another"),
    heard("a", journal_id="another"),
    lambda fleet, _, __: fleet.miss("a"),
    lambda fleet, now_s, _: fleet.roster.late("a", now_s),
    lambda fleet, now_s, _: fleet.roster.prompt("a", now_s),
    lambda fleet, now_s, _: fleet.roster.denied("a", report("b"), now_s),
    lambda fleet, _, __: fleet.roster.addresses.unwatch(url("b")),
    lambda fleet, _, __: fleet.roster.addresses.watch(url("b")),
    lambda fleet, now_s, _: fleet.roster.forget(now_s),
    given_up,
    lambda fleet, _, __: fleet.linked.discard("a"),
    lambda fleet, _, __: fleet.linked.add("a"),
)


@settings(max_examples=examples(300))
@given(
    st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from((0.0, 0.5, 1.0, 3.5, 700.0))), max_size=25)
)
def test_what_is_remembered_is_what_a_fresh_look_finds(events: list[tuple[Event, float]]) -> None:
    fleet = Fleet(*(report(name, 10 * number) for number, name in enumerate(NAMES)), book_id=OWN)
    view, now_s = fleet.view, 0.0
    for number, (event, passes_s) in enumerate(events, start=2):
        now_s += passes_s
        with contextlib.suppress(KeyError):  # a poll of an address that is not watched leaves no trace
            event(fleet, now_s, number)
        names, members, own = fleet.roster.takers.among()
        remembered = [view.state(member, now_s) for member in fleet.roster.members.values()]
        seen = list(snapshot(view, own, now_s, surely=False))
        for member in fleet.roster.members.values():
            member.sound_at, member.sight = -1, None
        assert remembered == [view.state(member, now_s) for member in fleet.roster.members.values()]
        assert seen == list(snapshot(view, own, now_s, surely=False))
        every = fleet.roster.members
        assert list(own) == [member for member in every.values() if not fleet.roster.foreign(member)]
        assert dict(zip(names, members, strict=True)) == {
            name: member for name, member in every.items() if member in own and not member.report.draining
        }


def test_a_snapshot_says_how_a_substation_was_and_goes_on_saying_it() -> None:
    fleet = Fleet(report("a", 10), report("b", 20, draining=True))
    fleet.linked.discard("b")
    seen = snapshot(fleet.view, fleet.roster.takers.among().own, 0.5, surely=False)
    fleet.poll(report("a", 90, seq=2), 0.6)
    found = {option.substation_id: option for option in seen}
    assert seen.count == 2
    assert (found["a"].estimate_w, found["a"].report_age_s, found["a"].state) == (10 * KW, 0.5, "healthy")
    assert (found["b"].draining, found["b"].linked, found["b"].state) == (True, False, "suspect")
