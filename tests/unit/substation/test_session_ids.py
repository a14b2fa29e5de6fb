"""Ids of sessions rise, whatever the clock does, and have the form that pages and clients know."""

import re

from substation.session_ids import SessionIds, highest_id

UNIX_MS = 1_796_000_000_000
FORM = re.compile(r"substation-1\.[0-9a-f]{16}")  # as in admin_ui/static/js/decisions/page.js


def test_each_id_comes_after_the_one_before_even_in_one_millisecond() -> None:
    ids = SessionIds("substation-1", "")
    made = [ids.next(UNIX_MS, 0xFFFF - number) for number in range(1000)]
    assert made == sorted(set(made))
    assert all(FORM.fullmatch(each) for each in made)


def test_an_id_comes_after_those_before_a_clock_that_was_set_back() -> None:
    ids = SessionIds("substation-1", "")
    first = ids.next(UNIX_MS, 0xFFFF)
    assert first < ids.next(UNIX_MS - 60_000, 0)


def test_ids_after_a_restart_come_after_the_last_one() -> None:
    before = SessionIds("substation-1", "")
    last = [before.next(UNIX_MS, 0xFFFF) for _ in range(100)][-1]
    assert last < SessionIds("substation-1", last).next(UNIX_MS - 60_000, 0)


def test_the_highest_id_is_above_those_of_now_and_below_most_random_ones() -> None:
    now = SessionIds("substation-1", "").next(UNIX_MS, 0xFFFF)
    assert now < highest_id("substation-1", UNIX_MS) < "substation-1.2000000000000000"


def test_the_last_digits_are_drawn() -> None:
    assert SessionIds("substation-1", "").next(UNIX_MS, 0xBEEF).endswith("beef")


def test_the_form_holds_for_centuries() -> None:
    year_2500_ms = 16_725_225_600_000
    assert FORM.fullmatch(SessionIds("substation-1", "").next(year_2500_ms, 0))
