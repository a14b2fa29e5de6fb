"""Times of day are read as they are written, and a run waits for the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.plan import clock

MINUTES = st.integers(0, 24 * 60 - 1)


@given(minutes=MINUTES)
def test_what_is_written_is_read_again(minutes: int) -> None:
    text = clock.write(minutes / 60)
    assert clock.read(text) == pytest.approx(minutes / 60)
    assert clock.write(clock.read(text) + clock.DAY_H) == text
    assert clock.of_label(f"Sunday {text}") == clock.read(text)


@pytest.mark.parametrize("text", ["24:00", "7:00", "07:60", "0700", "", "now", "\u0660\u0667:\u0660\u0660"])
def test_another_text_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="from 00:00 to 23:59 is accepted"):
        clock.read(text)
    assert clock.of_label(f"Monday {text}") is None


@given(now=MINUTES, wanted=MINUTES, time_scale=st.sampled_from([1.0, 120.0, 6000.0]))
def test_it_is_the_wanted_time_after_the_wait_which_is_shorter_than_a_day(
    now: int, wanted: int, time_scale: float
) -> None:
    waited_h = clock.wait_s(now / 60, wanted / 60, time_scale) * time_scale / 3600
    assert 0 <= waited_h < clock.DAY_H
    assert clock.write(now / 60 + waited_h) == clock.write(wanted / 60)


def test_nobody_waits_for_the_time_that_it_is() -> None:
    assert clock.wait_s(18.5, 18.5, 120.0) == 0
