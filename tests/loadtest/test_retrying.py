"""What a good client repeats, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.send.retrying import FIRST_WAIT_S, RetryPolicy, seconds

TWICE = RetryPolicy(2, within_s=30)


@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 409, 413, 422, 500, 502, 504])
def test_what_a_repetition_would_not_change_is_not_repeated(status: int) -> None:
    assert TWICE.wait_s(1, status, 1, 0, 0) is None


@pytest.mark.parametrize("status", [429, 503, None])
def test_a_retry_after_is_waited_for_to_the_second(status: int | None) -> None:
    assert TWICE.wait_s(1, status, 7, 0, 0.9) == 7
    assert TWICE.wait_s(2, status, 0, 5, 0.9) == 0


def test_there_are_as_many_repetitions_as_asked_for() -> None:
    assert TWICE.wait_s(2, 503, 1, 0, 0) == 1
    assert TWICE.wait_s(3, 503, 1, 0, 0) is None
    assert RetryPolicy(0).wait_s(1, 503, 1, 0, 0) is None


def test_a_try_that_would_begin_too_late_is_not_waited_for() -> None:
    assert TWICE.wait_s(1, 503, 30, 0, 0) == 30
    assert TWICE.wait_s(1, 503, 30, 0.1, 0) is None
    assert TWICE.wait_s(1, 503, 31, 0, 0) is None
    assert TWICE.wait_s(1, None, None, 29.9, 0) is None


@given(tries=st.integers(1, 5), jitter=st.floats(0, 1, exclude_max=True))
def test_without_a_retry_after_the_wait_doubles_and_is_spread(tries: int, jitter: float) -> None:
    waited_s = RetryPolicy(5, within_s=1000).wait_s(tries, None, None, 0, jitter)
    assert waited_s is not None
    assert FIRST_WAIT_S * 2 ** (tries - 1) <= waited_s <= FIRST_WAIT_S * 2**tries


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("12", 12),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Sun, 22 Nov 2026 15:59:55 GMT", None),
    ],
)
def test_a_retry_after_is_whole_seconds(text: str | None, expected: float | None) -> None:
    assert seconds(text) == expected
