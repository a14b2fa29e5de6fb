"""Health of a polled address: suspect after a miss, ejected after three, probed back in."""

import pytest

from balancer.health import Health, State


def after(polls: str) -> Health:
    """Health after polls: '.' answered, 'x' missed."""
    health = Health()
    for poll in polls:
        (health.answered if poll == "." else health.missed)()
    return health


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        ("", State.HEALTHY),
        (".", State.HEALTHY),
        ("x", State.SUSPECT),
        ("xx", State.SUSPECT),
        ("xx.", State.HEALTHY),
        ("xx.xx", State.SUSPECT),
        ("xxx", State.EJECTED),
        ("xxxxxx", State.EJECTED),
        ("xxx.", State.PROBING),
        ("xxx..", State.HEALTHY),
        ("xxx.x", State.PROBING),
        ("xxx.x.", State.PROBING),  # two in a row are wanted
        ("xxx.x..", State.HEALTHY),
        ("xxx.xxx", State.EJECTED),
        ("xxx..x", State.SUSPECT),
    ],
)
def test_polls_move_the_state(polls: str, expected: State) -> None:
    assert after(polls).state(report_age_s=0.1, poll_s=1.0, linked=True) is expected


@pytest.mark.parametrize(
    ("age_s", "expected"), [(0.0, State.HEALTHY), (3.0, State.HEALTHY), (3.01, State.EJECTED)]
)
def test_a_report_older_than_three_polls_ejects(age_s: float, expected: State) -> None:
    assert after(".").state(age_s, poll_s=1.0, linked=True) is expected


def test_a_fresh_report_brings_back_what_only_age_had_ejected() -> None:
    health = after(".")
    assert health.state(9.0, 1.0, linked=True) is State.EJECTED
    assert health.state(0.1, 1.0, linked=True) is State.HEALTHY


def test_a_lost_stream_makes_a_suspect_of_one_that_still_answers_polls() -> None:
    assert after(".").state(0.1, 1.0, linked=False) is State.SUSPECT
