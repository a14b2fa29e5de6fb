"""An outage leaves a trace however short it was, from when to when, also over a restart of the console."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.alarms.lifecycle import Alarms
from admin_ui.grid.event_log import EventLog
from admin_ui.grid.outages import SHOWN, SHOWN_S, Outages, Service, lasted

BALANCER, GATEWAY = Service.BALANCER, Service.GATEWAY


def test_a_short_outage_is_in_the_log_from_when_to_when() -> None:
    log = EventLog()
    outages = Outages(log)
    outages.back(BALANCER, 90.0)  # the first that is heard of it
    outages.lost(BALANCER, 100.0)
    outages.lost(BALANCER, 100.5)
    outages.back(BALANCER, 101.6)
    outages.back(BALANCER, 101.8)
    told = [(e["event"], e["unix_s"], e["rule"], e["service"]) for e in log.events]
    assert told == [
        ("lost", 100.0, "BalancerStreamLost", "balancer"),
        ("back", 101.6, "BalancerStreamLost", "balancer"),
    ]
    assert log.events[1]["said"] == "It was lost for 1.6 s"
    assert log.events[1]["since_unix_s"] == 100.0


def test_one_of_several_balancers_has_outages_of_its_own_which_leave_no_gap() -> None:
    log = EventLog()
    outages = Outages(log)
    outages.lost(BALANCER, 100.0, "a:1")
    outages.lost(BALANCER, 101.0, "b:1")
    outages.lost(BALANCER, 101.0)
    again = Outages(log)  # after a restart of the console
    for which in ("a:1", "", "b:1"):
        again.back(BALANCER, 103.0, which)
    told = [(e["event"], e["rule"], e["substation_id"], e["unix_s"]) for e in log.events]
    assert told == [
        ("lost", "BalancerLost", "a:1", 100.0),
        ("lost", "BalancerLost", "b:1", 101.0),
        ("lost", "BalancerStreamLost", "", 101.0),
        ("back", "BalancerLost", "a:1", 103.0),
        ("back", "BalancerStreamLost", "", 103.0),
        ("back", "BalancerLost", "b:1", 103.0),
    ]
    assert [each["from_unix_s"] for each in outages.shown(102.0)] == [101.0]
    assert [(each["from_unix_s"], each["to_unix_s"]) for each in again.shown(104.0)] == [(101.0, 103.0)]


def test_an_outage_is_shown_as_long_as_charts_have_its_gap() -> None:
    outages = Outages(EventLog())
    outages.lost(GATEWAY, 100.0)
    assert outages.shown(5000.0) == [{"service": "gateway", "from_unix_s": 100.0, "to_unix_s": None}]
    outages.back(GATEWAY, 5000.0)
    assert outages.shown(5001.0) == [{"service": "gateway", "from_unix_s": 100.0, "to_unix_s": 5000.0}]
    assert outages.shown(5000.0 + SHOWN_S) == []


def test_a_restart_of_the_console_goes_on_with_an_outage_that_had_not_ended() -> None:
    alarms = Alarms({})
    alarms.outages.lost(BALANCER, 100.0)
    again = Alarms({}, json.loads(json.dumps(alarms.keep())))
    again.outages.back(BALANCER, 700.0)
    assert again.log.newest(1)[0]["said"] == "It was lost for 10 min"


@given(st.lists(st.tuples(st.sampled_from(Service), st.booleans(), st.floats(0, 100)), max_size=60))
def test_lost_and_back_come_in_turn_for_each_service(steps: list[tuple[Service, bool, float]]) -> None:
    log, now_s = EventLog(), 0.0
    outages = Outages(log)
    for service, up, pause_s in steps:
        now_s += pause_s
        (outages.back if up else outages.lost)(service, now_s)
        assert (
            Outages(log).shown(now_s)[-1:]
            == [each for each in outages.shown(now_s) if each["to_unix_s"] is None][-1:]
        )
    for service in Service:
        kinds = [event["event"] for event in log.events if event["service"] == service]
        assert kinds == (["lost", "back"] * len(kinds))[: len(kinds)]
    assert len(outages.shown(now_s)) <= SHOWN + len(Service)


@pytest.mark.parametrize(
    ("seconds", "words"), [(-1, "0.0 s"), (0.44, "0.4 s"), (31.6, "32 s"), (3000, "50 min"), (90_000, "25 h")]
)
def test_how_long_it_was_is_told_in_words(seconds: float, words: str) -> None:
    assert lasted(seconds) == words
