"""The view of the fleet: which reports are believed, and which substation is asked."""

from typing import Any

import pytest

from balancer.fleet.addresses import Addresses
from balancer.fleet.health import EJECT_AFTER, HealthState
from balancer.fleet.readiness import lacking
from tests.unit.balancer.fleets import KW, Fleet, releases, report, url

FREED = {1.0: 10_000, 2.0: 30_000, 10.0: 40_000}


@pytest.mark.parametrize(
    "newer", [{"epoch": 1, "seq": 6}, {"epoch": 2, "seq": 1}], ids=["higher seq", "higher epoch"]
)
def test_a_newer_report_is_adopted(newer: dict[str, Any]) -> None:
    fleet = Fleet(report(seq=5, load_kw=10))
    assert fleet.roster.adopt(report(load_kw=70, **newer), 0.5)
    assert fleet.roster.members["a"].estimate_w(0.5) == 70 * KW


@pytest.mark.parametrize(
    "older",
    [{"epoch": 2, "seq": 5}, {"epoch": 2, "seq": 4}, {"epoch": 1, "seq": 99}],
    ids=["same", "lower seq", "lower epoch"],
)
def test_a_report_that_is_not_newer_changes_nothing(older: dict[str, Any]) -> None:
    fleet = Fleet(report(epoch=2, seq=5, load_kw=10))
    assert not fleet.roster.adopt(report(load_kw=70, **older), 0.5)
    assert fleet.poll(report(load_kw=70, **older), 0.5) is None
    member = fleet.roster.members["a"]
    assert (member.report.load_w, member.received_s) == (10 * KW, 0.0)


def test_a_report_of_a_substation_that_was_never_polled_is_not_adopted() -> None:
    fleet = Fleet()
    assert not fleet.roster.adopt(report("stranger"), 0.0)
    assert fleet.roster.members == {}


def test_the_estimate_is_load_and_outstanding_less_what_is_due() -> None:
    fleet = Fleet(report(load_kw=50, releases_w=releases(FREED, 50 * KW)))
    member = fleet.roster.members["a"]
    with fleet.view.holding("a", 7 * KW):
        assert member.estimate_w(0.0) == 57 * KW
        assert member.estimate_w(1.75) == 57 * KW - 20_000
        assert member.estimate_w(2.0) == 57 * KW - 30_000
    assert member.estimate_w(2.0) == 50 * KW - 30_000


def test_a_poll_tells_how_far_the_estimate_was_off() -> None:
    fleet = Fleet(report(load_kw=50, releases_w=releases({1.0: 10 * KW}, 50 * KW)))
    assert fleet.poll(report(seq=2, load_kw=45), 1.0) == -5 * KW


def test_a_view_without_a_substation_chooses_none() -> None:
    assert Fleet().choose() is None
    assert lacking(Fleet().view, 0.0)


def test_what_is_held_is_seen_by_the_next_choice_and_given_back_after_it() -> None:
    fleet = Fleet(report("a", load_kw=10), report("b", load_kw=20))
    assert fleet.choose(5) == "a"
    with fleet.view.holding("a", 15 * KW):
        assert fleet.choose(5) == "b"
    assert fleet.choose(5) == "a"


def test_what_is_held_is_given_back_when_the_asking_fails() -> None:
    fleet = Fleet(report("a"))
    with pytest.raises(RuntimeError), fleet.view.holding("a", 15 * KW):
        raise RuntimeError
    assert fleet.roster.members["a"].outstanding_w == 0


def test_holding_at_a_substation_that_is_not_known_holds_nothing() -> None:
    fleet = Fleet(report("a"))
    with fleet.view.holding("nobody", 15 * KW), fleet.view.holding("", 15 * KW):
        assert fleet.roster.members["a"].outstanding_w == 0


def test_a_newer_report_does_not_forget_what_is_still_outstanding() -> None:
    fleet = Fleet(report("a"))
    with fleet.view.holding("a", 15 * KW):
        fleet.poll(report("a", seq=2, load_kw=1), 0.1)
        assert fleet.roster.members["a"].estimate_w(0.1) == 16 * KW
    assert fleet.roster.members["a"].estimate_w(0.1) == 1 * KW


def test_nobody_is_chosen_when_nobody_has_room() -> None:
    fleet = Fleet(report("a", load_kw=90), report("b", load_kw=80))
    assert fleet.choose(20) == "b"
    assert fleet.choose(20.001) is None


def test_suspects_are_used_only_when_no_healthy_one_has_room() -> None:
    fleet = Fleet(report("idle", load_kw=0), report("busy", load_kw=70))
    fleet.miss("idle")
    assert fleet.choose(30) == "busy"
    assert fleet.choose(31) == "idle"


@pytest.mark.parametrize("misses", [0, 1, EJECT_AFTER])
def test_nobody_is_asked_whose_stream_is_down(misses: int) -> None:
    """Not even in a panic: a key that is claimed there would depend on it."""
    fleet = Fleet(report("dead"), report("also dead"), report("full", load_kw=100))
    for name in ("dead", "also dead"):
        fleet.miss(name, misses)
        fleet.linked.discard(name)
    assert fleet.view.panic(0.0) == (misses == EJECT_AFTER)
    assert fleet.choose(1) is None
    assert fleet.view.reachable((), 0.0)
    assert not fleet.view.reachable(("dead",), 0.0)
    fleet.linked.add("dead")
    assert fleet.choose(1) == "dead"


def test_one_that_is_probed_back_in_counts_as_a_suspect() -> None:
    fleet = Fleet(report("idle"), report("busy", load_kw=70), report("third", load_kw=80))
    fleet.miss("idle", EJECT_AFTER)
    fleet.poll(report("idle", seq=2))
    assert fleet.view.state(fleet.roster.members["idle"], 0.0) is HealthState.PROBING
    assert fleet.choose(30) == "busy"
    assert fleet.choose(31) == "idle"


def test_a_substation_without_a_stream_is_a_suspect() -> None:
    fleet = Fleet(report("idle"), report("busy", load_kw=70))
    fleet.linked.discard("idle")
    assert fleet.choose(30) == "busy"


def test_ejected_ones_are_not_used() -> None:
    fleet = Fleet(report("idle"), report("busy", load_kw=70))
    fleet.miss("idle", EJECT_AFTER)
    assert fleet.choose(30) == "busy"
    assert fleet.choose(31) is None


def test_with_more_than_half_ejected_the_last_known_view_is_used() -> None:
    fleet = Fleet(report("a", load_kw=10), report("b", load_kw=20), report("c", load_kw=70))
    fleet.miss("a", EJECT_AFTER)
    fleet.miss("b", EJECT_AFTER)
    assert fleet.view.panic(0.0)
    assert fleet.choose(30) == "c"
    assert fleet.choose(31) == "a"


def test_old_reports_alone_make_no_substation_unusable_when_all_are_old() -> None:
    fleet = Fleet(report("a", load_kw=10), report("b", load_kw=20))
    assert lacking(fleet.view, 100.0)
    assert fleet.choose(30, now_s=100.0) == "a"


def test_a_draining_substation_gets_nothing_whatever_room_it_has() -> None:
    fleet = Fleet(report("idle", draining=True), report("busy", load_kw=70))
    assert fleet.choose(30) == "busy"
    assert fleet.choose(31) is None


def test_only_the_eligible_are_asked() -> None:
    fleet = Fleet(report("a"), report("b", load_kw=10), report("c", load_kw=20))
    assert fleet.choose(1, "b", "c") == "b"
    assert fleet.choose(1, "nobody") is None
    assert fleet.choose(1, "nobody", "c") == "c"


def test_the_rating_is_the_highest_capacity_among_the_eligible() -> None:
    fleet = Fleet(report("a", rated_w=100), report("b", capacity_w=50, rated_w=300))  # b is derated
    assert fleet.view.rated_w(()) == 300
    assert fleet.view.rated_w(("a",)) == 100
    assert fleet.view.rated_w(("nobody",)) == 0


def test_addresses_where_none_was_seen_are_named_until_one_is() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.addresses.watch(url("b"))
    assert fleet.roster.addresses.unseen() == [url("b")]
    fleet.poll(report("b"))
    assert fleet.roster.addresses.unseen() == []


def test_one_that_is_given_up_is_gone_and_its_address_expects_nobody_until_somebody_is_there() -> None:
    fleet = Fleet(report("a"), report("b"))
    fleet.roster.give_up("b")
    assert list(fleet.roster.members) == ["a"]
    assert fleet.roster.forget(0.0) == ["b"]
    assert fleet.roster.forget(0.0) == []
    assert fleet.roster.addresses.unseen() == []
    fleet.poll(report("b", journal_id="new"))
    assert fleet.roster.members["b"].report.journal_id == "new"
    fleet.roster.give_up("b")
    fleet.poll(report("b", journal_id="newer"))
    assert fleet.roster.forget(0.0) == []  # it is here again


def test_a_substation_that_moved_is_known_by_its_new_address() -> None:
    fleet = Fleet(report("a"))
    fleet.roster.addresses.watch("http://elsewhere:1")
    fleet.miss("a", EJECT_AFTER)
    fleet.roster.polled("http://elsewhere:1", report("a", seq=2), 0.5)
    member = fleet.roster.members["a"]
    assert (member.url, fleet.view.state(member, 0.5)) == ("http://elsewhere:1", HealthState.HEALTHY)


def test_a_page_at_an_address_that_is_not_watched_leaves_no_trace() -> None:
    addresses = Addresses()
    with pytest.raises(KeyError):
        addresses.answered("http://a", "a")
    addresses.watch("http://a")
    assert addresses.unseen() == ["http://a"]
