"""The time range of the audit page."""

import pytest

from admin_ui.web.time_range import bounds, quick, shown

NOON_MS = 1_769_860_800_000  # 2026-01-31T12:00Z


def test_without_bounds_everything_is_in_the_range() -> None:
    first, last = bounds({"from": "", "to": ""})
    assert first == 0
    assert last > 4_000_000_000_000


def test_a_time_is_of_utc_unless_it_names_its_zone() -> None:
    assert bounds({"from": "2026-01-31T12:00", "to": "2026-01-31T15:00:00+02:00"}) == (
        NOON_MS,
        NOON_MS + 3_600_000,
    )
    assert shown("2026-01-31T14:00+02:00") == "2026-01-31T12:00"
    assert shown("") == ""


@pytest.mark.parametrize(
    "wrong", ["yesterday", "2026-13-01", "1900-01-01", "9999-12-31T23:59:59-01:00", "'; DROP"]
)
def test_what_is_no_time_is_refused_with_what_is_accepted(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^from: a time such as 2026-01-31T14:05, of UTC"):
        bounds({"from": wrong, "to": ""})


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="from must be before to"):
        bounds({"from": "2026-01-31T12:00", "to": "2026-01-31T12:00"})


def test_one_click_chooses_the_last_hour() -> None:
    assert quick(NOON_MS / 1000)["last hour"] == "2026-01-31T11:00"
