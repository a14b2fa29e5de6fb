"""docs/reference/fleet.md names every field, state, frame and limit of the fleet, and no other."""

import re
from typing import Any

from balancer.contract import FLEET
from balancer.fleet import roster
from balancer.fleet.handlers import fleet_json
from balancer.fleet.health import HealthState
from balancer.fleet.view import View
from balancer.placing.policies import PolicySwitch
from runtime import frame_stream
from runtime.changes import HEARTBEAT_S
from runtime.frame_stream import FRAMES
from substation.contract import RELEASES_WITHIN_S, Report
from tests.support.frames import Client
from tests.unit.docs.pages import CODE, DOCS, rows, sections

PAGE = DOCS / "reference" / "fleet.md"
REPORT = Report("s", "j", 1, 1, 0, 1000, draining=False, releases_w=(0,) * len(RELEASES_WITHIN_S))


class Never:
    """Randomness that nobody asks for."""

    def random(self) -> float:
        raise NotImplementedError


def shown() -> dict[str, Any]:
    known = roster.Roster(1.0, "b")
    known.addresses.watch("http://a:1")
    known.polled("http://a:1", REPORT, 0.0)
    return dict(fleet_json(View(known, lambda _: True, PolicySwitch(Never())), 0.0, None, {}))


def test_the_fields_of_the_fleet_and_of_a_substation_are_those_that_are_shown() -> None:
    found = shown()
    (member,) = found["substations"]
    assert rows(sections(PAGE)["`get /fleet`"]).keys() == found.keys()
    assert rows(sections(PAGE)["a substation"]).keys() == member.keys()


def test_the_states_are_those_that_a_member_can_be_in() -> None:
    assert rows(sections(PAGE)["states"]).keys() == {str(state) for state in HealthState} - {
        HealthState.UNSEEN
    }


def test_the_frames_are_those_that_are_sent() -> None:
    table = rows(sections(PAGE)["`get /fleet/stream`"])
    assert list(table) == list(FRAMES)
    client, first = Client(FLEET), shown()
    changed = {"policy": "x", "poll_s": 2, "rushhour": "run", "unseen": ["y"], "substations": []}
    frames = [
        client.next(first, 0.0),
        client.next({**first, **changed}, HEARTBEAT_S),
        client.next({**first, **changed}, 99.0),
    ]
    for frame in frames:
        assert frame
        described = set(CODE.findall(table[frame["kind"]][1])) - {"GET /fleet"}
        assert described == frame.keys() - {"seq", "kind"}


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(sections(PAGE)["`get /fleet/stream`"].split())
    assert f"told for {HEARTBEAT_S:g} s" in text
    assert f"once every {HEARTBEAT_S:g} s" in text
    assert f"within {frame_stream.DROP_S:g} s" in text
    assert re.search(rf"At most {frame_stream.MOST_CLIENTS} clients", text)
    assert f"over {frame_stream.MESSAGE_BYTES // 1024} KiB" in text
    assert 1 / frame_stream.TICK_S == 4  # "four times a second"
    gone = " ".join(sections(PAGE)["states"].split())
    assert f"{roster.GONE_S / 60:g} minutes after" in gone
    assert f"At most {roster.MOST_GONE} are shown" in gone
