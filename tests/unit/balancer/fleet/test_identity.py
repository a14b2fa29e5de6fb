"""The identity of substations: moves, new disks, two journals under one id, addresses that are gone."""

from typing import Any

import pytest

from balancer.fleet.health import EJECT_AFTER, HealthState
from balancer.fleet.roster import GONE_S, MOST_GONE
from balancer.placing.returns.promised_returns import BLIND_WAIT_S
from substation.contract import Report
from tests.unit.balancer.fleets import KW, POLL_S, Fleet, releases, report, url

ELSEWHERE = "http://elsewhere:1"
RECENT_S = EJECT_AFTER * POLL_S


def state(fleet: Fleet, name: str = "a", now_s: float = 0.0) -> HealthState:
    return fleet.view.state(fleet.roster.members[name], now_s)


def polled_at(fleet: Fleet, address: str, seen: Report, now_s: float) -> None:
    fleet.roster.addresses.watch(address)
    fleet.roster.polled(address, seen, now_s)


def twins(**changed: Any) -> Fleet:
    """`a` at two addresses under two journals, both seen at 0.5 s, and a busy `b`."""
    fleet = Fleet(report("a"), report("b", load_kw=70))
    polled_at(fleet, ELSEWHERE, report("a", journal_id="other", **changed), 0.5)
    return fleet


def test_of_two_journals_under_one_id_neither_is_used() -> None:
    fleet = twins()
    assert fleet.roster.disputed(fleet.roster.members["a"], 0.5)
    assert state(fleet, now_s=0.5) is HealthState.CONFLICT
    assert fleet.choose(30, now_s=0.5) == "b"
    assert fleet.choose(31, now_s=0.5) is None


@pytest.mark.parametrize("liar", [url("a"), ELSEWHERE])
def test_an_epoch_that_was_not_its_own_shuts_a_substation_out_for_one_poll(liar: str) -> None:
    fleet = Fleet(report("a", epoch=5))
    polled_at(fleet, liar, report("a", epoch=86_000, load_kw=100), 1.0)
    assert fleet.choose(1, now_s=1.0) is None  # what is newer is believed, wherever it is said
    polled_at(fleet, liar, report("b") if liar == ELSEWHERE else report("a", epoch=5, seq=2), 2.0)
    for poll in (3, 4):
        fleet.poll(report("a", epoch=5, seq=poll, load_kw=10), float(poll))
    assert fleet.roster.members["a"].report.load_w == 10 * KW
    assert fleet.choose(1, "a", now_s=4.0) == "a"


def test_one_late_page_of_before_a_restart_is_not_believed() -> None:
    fleet = Fleet(report("a", epoch=5))
    assert fleet.roster.adopt(report("a", epoch=6, load_kw=30), 1.0)
    fleet.poll(report("a", epoch=5, seq=9, load_kw=10), 1.1)
    fleet.poll(report("a", epoch=6, seq=2, load_kw=31), 2.0)
    fleet.poll(report("a", epoch=5, seq=10, load_kw=10), 2.1)
    assert fleet.roster.members["a"].report.load_w == 31 * KW


def test_a_conflict_is_no_failure_of_a_poll() -> None:
    fleet = Fleet(report("a"), report("c"), report("b", load_kw=70))
    for name in ("a", "c"):
        polled_at(fleet, f"http://other-{name}:1", report(name, journal_id="other"), 0.0)
    assert not fleet.view.panic(0.0)
    fleet.miss("b", EJECT_AFTER)
    assert fleet.view.panic(0.0)  # of those whose identity is known, all are ejected
    assert fleet.choose(1) == "b"


def test_in_a_conflict_the_report_of_the_second_journal_is_not_taken() -> None:
    fleet = twins(load_kw=5, epoch=9)
    assert not fleet.roster.adopt(report("a", journal_id="other", load_kw=6, epoch=10), 0.6)
    member = fleet.roster.members["a"]
    assert (member.report.journal_id, member.report.load_w, member.url) == ("journal-a", 0, url("a"))


@pytest.mark.parametrize(("left", "address"), [("journal-a", url("a")), ("other", ELSEWHERE)])
def test_a_conflict_ends_when_only_one_was_seen_for_more_than_three_polls(left: str, address: str) -> None:
    fleet = twins()
    now_s = 0.5
    while now_s < 0.5 + RECENT_S:
        fleet.roster.polled(address, report("a", journal_id=left, seq=int(now_s * 100)), now_s)
        if now_s < RECENT_S:
            assert state(fleet, now_s=now_s) is HealthState.CONFLICT
        now_s += 0.25
    now_s += 0.25
    fleet.roster.polled(address, report("a", journal_id=left, seq=10_000), now_s)
    assert state(fleet, now_s=now_s) is HealthState.HEALTHY
    member = fleet.roster.members["a"]
    assert (member.url, member.report.journal_id) == (address, left)


def test_a_conflict_of_two_that_are_both_gone_is_over() -> None:
    fleet = twins()
    for address in (url("a"), ELSEWHERE):
        fleet.roster.addresses.unwatch(address)
    assert state(fleet, now_s=0.6) is HealthState.CONFLICT
    assert state(fleet, now_s=0.6 + RECENT_S) is HealthState.GONE


def test_a_new_disk_at_the_same_address_is_accepted_and_counts_anew() -> None:
    fleet = Fleet(report("a", epoch=5, seq=50, load_kw=40))
    fleet.poll(report("a", journal_id="new", epoch=1, seq=1, load_kw=3), 1.0)
    member = fleet.roster.members["a"]
    assert (member.report.journal_id, member.report.load_w) == ("new", 3 * KW)
    assert state(fleet, now_s=1.0) is HealthState.HEALTHY
    assert fleet.roster.adopt(report("a", journal_id="new", epoch=1, seq=2), 1.1)


def test_a_new_disk_elsewhere_is_accepted_when_the_old_one_is_not_seen_any_more() -> None:
    fleet = Fleet(report("a"))
    polled_at(fleet, ELSEWHERE, report("a", journal_id="new"), RECENT_S + 0.1)
    assert fleet.roster.members["a"].report.journal_id == "new"
    assert state(fleet, now_s=RECENT_S + 0.1) is HealthState.HEALTHY


def test_what_another_journal_reports_on_the_stream_is_not_taken_and_makes_it_unused() -> None:
    fleet = Fleet(report("a"), report("b", load_kw=70))
    assert not fleet.roster.adopt(report("a", journal_id="other", epoch=9, load_kw=50), 0.1)
    assert fleet.roster.members["a"].report.load_w == 0
    assert state(fleet, now_s=0.1) is HealthState.EJECTED
    assert fleet.choose(31, now_s=0.1) is None


def test_a_stream_that_tells_of_a_new_disk_before_the_poll_does_is_believed_after_it() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.adopt(report("a"), 0.0)
    fleet.roster.adopt(report("a", journal_id="new"), 0.5)
    fleet.poll(report("a", journal_id="new"), 1.0)
    assert state(fleet, now_s=1.0) is HealthState.HEALTHY


def test_a_poll_that_tells_of_a_new_disk_before_the_stream_does_is_no_conflict() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.adopt(report("a"), 0.0)
    fleet.poll(report("a", journal_id="new"), 50.0)
    assert state(fleet, now_s=50.0) is HealthState.HEALTHY


def test_a_page_whose_stream_is_another_s_is_not_used_and_soon_an_alarm() -> None:
    fleet = Fleet(report("liar"), report("b", load_kw=70))
    fleet.roster.denied("liar", report("b"), 0.1)
    for now_s in (0.1, 1.0, 2.0):
        fleet.poll(report("liar", seq=int(now_s * 100)), now_s)
        assert state(fleet, "liar", now_s) is HealthState.EJECTED
    fleet.poll(report("liar", seq=9_999), RECENT_S + 0.2)
    fleet.poll(report("b", seq=9_999, load_kw=70), RECENT_S + 0.2)
    assert state(fleet, "liar", RECENT_S + 0.2) is HealthState.CONFLICT
    assert fleet.choose(31, now_s=RECENT_S + 0.2) is None


def test_a_stream_that_is_right_again_ends_the_doubt() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.denied("a", report("b"), 0.1)
    fleet.roster.adopt(report("a", seq=2), 0.2)
    assert state(fleet, now_s=0.2) is HealthState.HEALTHY


def test_a_page_copied_to_another_address_moves_nobody() -> None:
    fleet = Fleet(report("a"))
    polled_at(fleet, ELSEWHERE, report("a", seq=9, load_kw=50), 0.1)
    member = fleet.roster.members["a"]
    assert (member.url, member.report.load_w) == (url("a"), 0)
    assert fleet.roster.addresses.unseen() == []


def test_the_second_address_of_one_substation_takes_over_when_the_first_is_missed() -> None:
    fleet = Fleet(report("a"))
    polled_at(fleet, ELSEWHERE, report("a", seq=2), 0.1)
    fleet.miss("a")
    fleet.roster.polled(ELSEWHERE, report("a", seq=3), 1.1)
    assert fleet.roster.members["a"].url == ELSEWHERE
    fleet.poll(report("a", seq=4), 1.2)
    assert fleet.roster.members["a"].url == ELSEWHERE  # and does not flap


def test_an_address_whose_stream_is_another_s_is_left_for_one_that_is_right_whatever_it_reported() -> None:
    fleet = Fleet(report("a"))
    polled_at(fleet, ELSEWHERE, report("a", epoch=99, load_kw=50), 0.1)  # as if it had been restarted there
    assert fleet.roster.members["a"].url == ELSEWHERE
    fleet.roster.denied("a", report("b"), 0.2)
    fleet.poll(report("a", seq=2, load_kw=1), 0.3)
    member = fleet.roster.members["a"]
    assert (member.url, member.report.epoch, member.report.load_w) == (url("a"), 1, 1 * KW)
    assert state(fleet, now_s=0.3) is HealthState.HEALTHY


def test_two_that_swapped_their_addresses_are_found_at_the_new_ones() -> None:
    fleet = Fleet(report("a"), report("b"))
    fleet.roster.polled(url("a"), report("b", epoch=2), 1.0)
    assert state(fleet, "a", 1.0) is HealthState.GONE  # whoever asks there asks another
    fleet.roster.polled(url("b"), report("a", epoch=2), 1.1)
    assert {name: m.url for name, m in fleet.roster.members.items()} == {"a": url("b"), "b": url("a")}
    assert {state(fleet, name, 1.1) for name in "ab"} == {HealthState.HEALTHY}


def test_one_whose_address_is_not_watched_any_more_is_gone_and_never_chosen() -> None:
    fleet = Fleet(report("a"), report("b", load_kw=70))
    fleet.roster.addresses.unwatch(url("a"))
    assert state(fleet) is HealthState.GONE
    assert fleet.choose(31) is None
    assert not fleet.view.panic(0.0)
    fleet.miss("b", EJECT_AFTER)
    assert fleet.view.panic(0.0)  # all that are left are ejected
    assert fleet.choose(31) is None


def test_nobody_is_told_to_come_back_for_the_room_of_one_that_is_gone() -> None:
    full = report("a", load_kw=100, releases_w=releases({30.0: 100 * KW}, 100 * KW))
    fleet = Fleet(full, report("b", load_kw=90))
    assert fleet.wait_s(1) == POLL_S
    fleet.roster.addresses.unwatch(url("b"))
    assert fleet.wait_s(1) == 30.0 + POLL_S
    fleet.roster.addresses.unwatch(url("a"))
    assert fleet.wait_s(1) == BLIND_WAIT_S


def test_when_all_are_gone_nobody_is_chosen() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.addresses.unwatch(url("a"))
    assert not fleet.view.panic(0.0)
    assert fleet.choose() is None


@pytest.mark.parametrize("address", [url("a"), ELSEWHERE])
def test_one_that_comes_back_is_used_again_wherever_it_is(address: str) -> None:
    fleet = Fleet(report("a"))
    fleet.roster.addresses.unwatch(url("a"))
    polled_at(fleet, address, report("a", epoch=2), 100.0)
    assert fleet.roster.members["a"].url == address
    assert fleet.choose(now_s=100.0) == "a"


def test_what_is_gone_is_forgotten_after_a_while_unless_it_left_sessions() -> None:
    fleet = Fleet(report("empty"), report("left", sessions=2), report("here"))
    for name in ("empty", "left"):
        fleet.roster.addresses.unwatch(url(name))
    assert fleet.roster.forget(GONE_S) == []
    assert fleet.roster.forget(GONE_S + 0.1) == ["empty"]
    assert fleet.roster.members.keys() == {"left", "here"}
    polled_at(fleet, ELSEWHERE, report("empty"), GONE_S + 1)
    assert "empty" in fleet.roster.members


def test_what_is_still_asked_for_something_is_not_forgotten() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.addresses.unwatch(url("a"))
    with fleet.view.holding("a", KW):
        assert fleet.roster.forget(2 * GONE_S) == []
    assert fleet.roster.forget(2 * GONE_S) == ["a"]


def test_an_address_that_makes_up_ids_does_not_fill_the_view() -> None:
    fleet = Fleet(report("a"))
    for number in range(3 * MOST_GONE):
        polled_at(fleet, ELSEWHERE, report(f"made-up-{number}", sessions=9), number / 100)
    fleet.roster.forget(3.0)
    assert len(fleet.roster.members) == MOST_GONE + 2  # and the one that it shows now
    assert state(fleet) is HealthState.HEALTHY


def test_a_name_without_an_address_is_one_where_nobody_was_seen() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.addresses.unresolved.add("dns://substations:8101")
    assert fleet.roster.addresses.unseen() == ["dns://substations:8101"]
