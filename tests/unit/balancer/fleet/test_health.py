"""Health of a polled address: suspect after a miss, ejected after three, probed back in."""

import pytest

from balancer.fleet.health import Health, HealthState


def after(polls: str) -> Health:
    """Health after polls: '.' answered, 'x' missed."""
    health = Health()
    for poll in polls:
        (health.answered if poll == "." else health.missed)()
    return health


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        ("", HealthState.HEALTHY),
        (".", HealthState.HEALTHY),
        ("x", HealthState.SUSPECT),
        ("xx", HealthState.SUSPECT),
        ("xx.", HealthState.HEALTHY),
        ("xx.xx", HealthState.SUSPECT),
        ("xxx", HealthState.EJECTED),
        ("xxxxxx", HealthState.EJECTED),
        ("xxx.", HealthState.PROBING),
        ("xxx..", HealthState.HEALTHY),
        ("xxx.x", HealthState.PROBING),
        ("xxx.x.", HealthState.PROBING),  # two in a row are wanted
        ("xxx.x..", HealthState.HEALTHY),
        ("xxx.xxx", HealthState.EJECTED),
        ("xxx..x", HealthState.SUSPECT),
    ],
)
def test_polls_move_the_state(polls: str, expected: HealthState) -> None:
    assert after(polls).state(report_age_s=0.1, poll_s=1.0, linked=True) is expected


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(0.0, HealthState.HEALTHY), (3.0, HealthState.HEALTHY), (3.01, HealthState.EJECTED)],
)
def test_a_report_older_than_three_polls_ejects(age_s: float, expected: HealthState) -> None:
    assert after(".").state(age_s, poll_s=1.0, linked=True) is expected


def test_a_fresh_report_brings_back_what_only_age_had_ejected() -> None:
    health = after(".")
    assert health.state(9.0, 1.0, linked=True) is HealthState.EJECTED
    assert health.state(0.1, 1.0, linked=True) is HealthState.HEALTHY


def test_a_lost_stream_makes_a_suspect_of_one_that_still_answers_polls() -> None:
    assert after(".").state(0.1, 1.0, linked=False) is HealthState.SUSPECT


def state_at(health: Health, now_s: float) -> HealthState:
    return health.state(0.1, 1.0, now_s, linked=True)


def test_a_late_call_makes_a_suspect_for_a_while_though_polls_succeed() -> None:
    health = after("...")
    health.late(100.0)
    health.answered()
    assert [state_at(health, at_s) for at_s in (100.0, 104.9, 105.0)] == [
        HealthState.SUSPECT,
        HealthState.SUSPECT,
        HealthState.HEALTHY,
    ]


def test_what_is_late_together_counts_once_and_each_later_time_doubles_up_to_a_bound() -> None:
    health = Health()
    lasted, now_s = [], 0.0
    for _ in range(50):
        for _ in range(20):
            health.late(now_s)
        lasted.append(health.suspect_until_s - now_s)
        now_s = health.suspect_until_s
    assert lasted[:5] == [5.0, 10.0, 20.0, 40.0, 80.0]
    assert set(lasted[4:]) == {80.0}


def test_a_call_that_is_decided_in_time_ends_the_suspicion() -> None:
    health = Health()
    health.late(0.0)
    health.prompt(1.0)
    assert state_at(health, 1.0) is HealthState.HEALTHY
    health.late(2.0)
    assert health.suspect_until_s == 12.0  # it happened again: longer
    for now_s in (3.0, 4.0, 5.0):
        health.prompt(now_s)
    health.late(6.0)
    assert health.suspect_until_s == 11.0  # what was made up for is forgotten
