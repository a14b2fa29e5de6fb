"""How often one may try."""

from admin_ui.people.attempt_limits import network
from admin_ui.web.throttle import Throttle


def test_tries_are_used_up_and_come_back_one_by_one() -> None:
    throttle = Throttle(most=3, every_s=10)
    for _ in range(3):
        assert throttle.wait_s("ann", 0) == 0
        throttle.take("ann", 0)
    assert throttle.wait_s("ann", 0) == 10
    assert throttle.wait_s("ann", 4) == 6
    assert throttle.wait_s("ann", 10) == 0
    throttle.take("ann", 10)
    assert throttle.wait_s("ann", 10) == 10
    assert throttle.wait_s("bob", 10) == 0


def test_a_right_try_is_given_back_and_no_more_than_that() -> None:
    throttle = Throttle(most=2, every_s=10)
    throttle.take("ann", 0)
    throttle.give_back("ann", 0)
    throttle.give_back("ann", 0)
    throttle.take("ann", 0)
    throttle.take("ann", 0)
    assert throttle.wait_s("ann", 0) == 10


def test_many_keys_take_no_more_than_their_room_and_who_just_failed_is_remembered() -> None:
    throttle = Throttle(most=1, every_s=10, most_keys=100)
    for number in range(1000):
        throttle.take(f"n{number}", 0)
        assert len(throttle._buckets) <= 100
    assert throttle.wait_s("n999", 0) == 10


def test_who_waited_is_forgotten_before_others() -> None:
    throttle = Throttle(most=1, every_s=10, most_keys=2)
    throttle.take("old", 0)
    throttle.take("b", 100)
    throttle.take("c", 100)
    assert set(throttle._buckets) == {"b", "c"}


def test_a_customer_with_a_whole_network_is_one() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("192.0.2.1") != network("192.0.2.2")
    assert network("nonsense") == ""
