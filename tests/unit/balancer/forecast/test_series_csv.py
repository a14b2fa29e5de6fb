"""Series of a file: what is accepted, and what is wrong in words."""

import datetime as dt

import pytest

from balancer.forecast.calendar_days import slot_of
from balancer.forecast.series_csv import BadFile, read_series


def slot(text: str) -> int:
    return slot_of(dt.datetime.fromisoformat(text))


def read(*rows: str) -> dict[str, dict[int, float]]:
    return read_series([f"{row}\n" for row in rows])


def test_each_column_is_a_series() -> None:
    found = read("time,a,b", "2016-01-01T00:00,1,2.5", "2016-01-01T00:15,3,")
    first = slot("2016-01-01T00:00")
    assert found == {"a": {first: 1.0, first + 1: 3.0}, "b": {first: 2.5}}


def test_what_is_finer_is_averaged() -> None:
    found = read(
        "time,a", "2016-01-01 00:00,1", "2016-01-01 00:05,2", "2016-01-01 00:10,6", "2016-01-01 00:15,8"
    )
    assert list(found["a"].values()) == [3.0, 8.0]


def test_an_hour_that_comes_twice_in_autumn_is_averaged() -> None:
    found = read(
        "time,a",
        *(f"2016-10-30T02:{minute:02},{minute}" for minute in (0, 15, 30, 45)),
        *(f"2016-10-30T02:{minute:02},{minute + 10}" for minute in (0, 15, 30, 45)),
        "2016-10-30T03:00,7",
    )
    assert list(found["a"].values()) == [5.0, 20.0, 35.0, 50.0, 7.0]


def test_an_hour_that_is_missing_in_spring_stays_missing() -> None:
    found = read("time,a", "2016-03-27T01:30,1", "2016-03-27T01:45,1", "2016-03-27T03:00,2")
    assert found["a"].keys() == {slot(f"2016-03-27T{clock}") for clock in ("01:30", "01:45", "03:00")}


def test_with_offsets_the_clock_counts_and_the_order_is_theirs() -> None:
    found = read("time,a", "2016-10-30T02:45+02:00,1", "2016-10-30T02:00+01:00,3", "2016-10-30T02:15+01:00,4")
    assert found["a"] == {
        slot("2016-10-30T02:00"): 3.0,
        slot("2016-10-30T02:15"): 4.0,
        slot("2016-10-30T02:45"): 1.0,
    }


BAD = {
    "empty": ([""], "the file is empty"),
    "no rows": (["time,a"], "no rows"),
    "no column time": (["when,a", "2016-01-01T00:00,1"], "no column `time`"),
    "no series": (["time", "2016-01-01T00:00"], "columns for series are missing"),
    "the same column twice": (["time,a,a", "2016-01-01T00:00,1,1"], "the same ones"),
    "no value": (["time,a,b", "2016-01-01T00:00,1,"], "the series b has no value"),
    "no time": (["time,a", "yesterday,1"], "line 2: 'yesterday' is no time"),
    "no number": (["time,a", "2016-01-01T00:00,1", "2016-01-01T00:15,much"], "line 3: 'much' in column a"),
    "NaN": (["time,a", "2016-01-01T00:00,nan"], "'nan' in column a is not a number"),
    "infinite": (["time,a", "2016-01-01T00:00,1e999"], "is not a number"),
    "too large": (["time,a", "2016-01-01T00:00,-1e13"], "'-1e13' in column a is not a number up to 1e+12"),
    "too few cells": (["time,a,b", "2016-01-01T00:00,1"], "2 cells, the header has 3"),
    "unsorted": (["time,a", "2016-01-02T00:00,1", "2016-01-01T00:00,1"], "times must ascend"),
    "the same time twice": (["time,a", "2016-01-02T00:00,1", "2016-01-02T00:00,1"], "times must ascend"),
    "an hour": (
        ["time,a", "2016-01-01T00:00,1", "2016-01-01T01:00,1"],
        "60 minutes apart: 15 minutes or less",
    ),
    "offsets at times": (["time,a", "2016-01-01T00:00Z,1", "2016-01-01T00:15,1"], "only some times"),
    "clocks back twice": (
        ["time,a", *(f"2016-10-30T0{hour},1" for hour in ("2:45", "2:00", "2:45", "2:00"))],
        "line 5: 2016-10-30 02:00:00 comes after",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_what_is_wrong_and_what_is_accepted(name: str) -> None:
    rows, expected = BAD[name]
    with pytest.raises(BadFile) as raised:
        read(*rows) if rows != [""] else read_series([])
    assert expected in str(raised.value)
    assert "accepted is a CSV file" in str(raised.value)


def test_several_faults_are_named_at_once() -> None:
    with pytest.raises(BadFile) as raised:
        read("time,a", *(f"2016-01-01T00:{minute:02},x" for minute in range(20)))
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()[:-1]] == [
        f"line {number}" for number in range(2, 7)
    ]
