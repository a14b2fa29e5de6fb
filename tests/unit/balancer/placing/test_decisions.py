"""The ring of recent decisions: bounded, and found by vehicle and by session."""

from balancer.fleet.health import HealthState
from balancer.fleet.snapshot import Snapshot
from balancer.placing.decisions import Decision, Decisions

SIGHT = ("a", 100, HealthState.HEALTHY, False, 0.0, True)


def decision(vehicle: str = "car", session: str = "", options: int = 1) -> Decision:
    return Decision(
        1,
        vehicle,
        10,
        "random",
        0,
        Snapshot(0.0, (SIGHT,) * options, (0.0,) * options),
        "a",
        "why",
        session_id=session,
    )


def numbers(found: list[Decision]) -> list[int]:
    return [each.number for each in found]


def test_the_ring_never_holds_more_than_its_bound_and_forgets_the_oldest() -> None:
    ring = Decisions(most=100)
    for _ in range(1000):
        ring.note(decision())
        assert len(ring._ring) <= 100
    assert numbers(ring.find(limit=1000)) == list(range(1000, 900, -1))


def test_a_fleet_of_many_has_fewer_decisions_for_the_same_memory() -> None:
    ring = Decisions(most=100, most_options=60)
    for options in (1, 20, 0, 7, 60, 61, 3):
        for _ in range(50):
            ring.note(decision(options=options))
            assert sum(each.options.count for each in ring._ring) <= 60
    assert len(ring._ring) == 20
    assert ring._options == 60


def test_the_newest_come_first_past_a_number_and_up_to_a_limit() -> None:
    ring = Decisions()
    for _ in range(10):
        ring.note(decision())
    assert numbers(ring.find()) == list(range(10, 0, -1))
    assert numbers(ring.find(after=7)) == [10, 9, 8]
    assert numbers(ring.find(limit=2)) == [10, 9]
    assert numbers(ring.find(limit=0)) == []
    assert numbers(ring.find(after=10)) == []


def test_it_is_found_by_vehicle_by_session_and_by_both() -> None:
    ring = Decisions()
    for vehicle, session in (("x", "s.1"), ("y", "s.2"), ("x", "s.3")):
        ring.note(decision(vehicle, session))
    assert numbers(ring.find(vehicle_id="x")) == [3, 1]
    assert numbers(ring.find(vehicle_id="x", limit=1)) == [3]
    assert numbers(ring.find(session_id="s.2")) == [2]
    assert numbers(ring.find(vehicle_id="x", session_id="s.2")) == []
    assert numbers(ring.find(vehicle_id="z")) == []


def test_what_is_noted_is_completed_later() -> None:
    ring = Decisions()
    noted = ring.note(decision())
    noted.outcome, noted.session_id = "placed", "a.1"
    (found,) = ring.find(session_id="a.1")
    assert (found.outcome, found.session_id) == ("placed", "a.1")
