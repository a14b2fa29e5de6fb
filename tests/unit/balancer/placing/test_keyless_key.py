"""The key of a request that has none: new each time, later than the one before, and of the form that journals know."""

import re

from balancer.placing.walks import keyless_key

UNIX_US = 1_796_000_000_000_000


def test_keys_rise_with_time_and_are_new_at_one_moment() -> None:
    made = [keyless_key(UNIX_US + microsecond) for microsecond in range(100)]
    assert made == sorted(made)
    assert len({keyless_key(UNIX_US) for _ in range(1000)}) == 1000


def test_a_key_has_the_length_and_the_mark_of_those_before() -> None:
    assert re.fullmatch(r"~[0-9a-f]{32}", keyless_key(UNIX_US))
