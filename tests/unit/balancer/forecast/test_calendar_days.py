"""Quarter hours, types of days, and holidays."""

import datetime as dt

import pytest

from balancer.forecast.calendar_days import (
    COMMON_HOLIDAYS,
    SLOTS,
    DayType,
    day_type,
    easter,
    holidays,
    slot_of,
    start_of,
)

EASTERS = {
    2008: "03-23",
    2011: "04-24",
    2016: "03-27",
    2024: "03-31",
    2025: "04-20",
    2026: "04-05",
    2038: "04-25",
}


def day_of(text: str) -> int:
    return slot_of(dt.datetime.fromisoformat(text)) // SLOTS


@pytest.mark.parametrize("year", EASTERS)
def test_easter_is_where_the_almanac_has_it(year: int) -> None:
    assert easter(year).isoformat() == f"{year}-{EASTERS[year]}"


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2016-02-01", DayType.WORKING_DAY),
        ("2016-02-05", DayType.WORKING_DAY),
        ("2016-02-06", DayType.SATURDAY),
        ("2016-02-07", DayType.SUNDAY_OR_HOLIDAY),
    ],
)
def test_a_date_has_its_weekday_s_type(date: str, expected: DayType) -> None:
    assert day_type(day_of(date)) is expected


def test_days_before_the_first_monday_have_types_too() -> None:
    assert [day_type(day) for day in (-3, -2, -1)] == [
        DayType.WORKING_DAY,
        DayType.SATURDAY,
        DayType.SUNDAY_OR_HOLIDAY,
    ]


def test_the_common_holidays_of_a_year() -> None:
    days = holidays(COMMON_HOLIDAYS).days(day_of("2016-01-01"), day_of("2016-12-31"))
    dates = {start_of(day * SLOTS).strftime("%m-%d") for day in days}
    assert dates == {"01-01", "03-25", "03-28", "05-01", "05-05", "05-16", "12-25", "12-26"}
    assert all(day_type(day, days) is DayType.SUNDAY_OR_HOLIDAY for day in days)


def test_one_date_is_a_holiday_in_its_year_alone() -> None:
    found = holidays("2016-06-01, 02-29").days(day_of("2015-01-01"), day_of("2017-12-31"))
    assert found == {day_of("2016-06-01"), day_of("2016-02-29")}


def test_no_holidays_are_accepted() -> None:
    assert holidays("").days(0, 20_000) == frozenset()


@pytest.mark.parametrize(
    "text", ["christmas", "13-01", "02-30", "2015-02-29", "easter+", "1-1", "easter+1;12-25"]
)
def test_what_is_no_date_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="accepted"):
        holidays(f"12-25,{text}")
