"""The last quarter of an hour of a figure, against a plain dictionary of seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.history import HISTORY_S, History, Loads, Peak, Ring, trend_kw_s

START = 1_763_800_000


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.sampled_from([None, 0.0, 1.5, 700.0])), min_size=1, max_size=30
    ),
    st.integers(1, HISTORY_S),
)
def test_a_history_tells_what_was_put_in_its_second_and_none_elsewhere(
    steps: list[tuple[int, float | None]], asked: int
) -> None:
    history, put, second = History(), dict[int, float | None](), START
    for pause, value in steps:
        second += pause
        put[second] = value
        history.put(second, None if value is None else Loads(value, 50.0, 1400.0, 1400.0))
    columns = history.columns(second, asked)
    assert columns["load_kw"] == [put.get(each) for each in range(second - asked + 1, second + 1)]
    assert [value is None for value in columns["capacity_kw"]] == [v is None for v in columns["load_kw"]]
    bases = [None if value is None else 50.0 for value in columns["load_kw"]]
    assert columns.get("base_load_kw", [None] * asked) == bases
    kept = [value + 50.0 for at, value in put.items() if at > second - HISTORY_S and value is not None]
    assert history.peak_kw == max(kept, default=0.0)


def test_a_base_load_that_was_0_all_the_time_is_left_out() -> None:
    history = History()
    history.put(START, Loads(700.0, 0.0, 1400.0, 1400.0))
    assert history.columns(START, 2) == {"load_kw": [None, 700.0], "capacity_kw": [None, 1400.0]}
    history.put(START + 1, Loads(700.0, 5.0, 1400.0, 1400.0))
    assert history.columns(START + 1, 2)["base_load_kw"] == [0.0, 5.0]


def test_a_peak_ends_when_its_second_leaves() -> None:
    peak = Peak()
    peak.put(START, 900.0)
    for second in range(1, HISTORY_S):
        assert peak.put(START + second, 300.0) == 900.0
    assert peak.put(START + HISTORY_S, 100.0) == 300.0


def test_a_peak_that_left_unseen_is_gone_too() -> None:
    peak = Peak()
    peak.put(START, 900.0)
    assert peak.put(START + 5 * HISTORY_S, None) == 0.0


def test_what_was_never_put_is_unknown() -> None:
    assert Ring().newest(START, 3) == [None, None, None]


def test_seconds_that_are_still_to_come_are_unknown() -> None:
    ring = Ring()
    for second in range(HISTORY_S + 5):
        ring.put(START + second, 1.0)
    assert ring.newest(START + HISTORY_S + 7, 4) == [1.0, None, None, None]


@pytest.mark.parametrize(
    ("values", "slope"),
    [
        ([10.0, 12.0, 14.0, 16.0], 2.0),
        ([5.0, None, 1.0, -1.0], -2.0),
        ([7.0, 7.0, 7.0], 0.0),
        ([1.0, None, 2.0], None),
        ([], None),
    ],
)
def test_a_trend_is_the_slope_of_what_is_known(values: list[float | None], slope: float | None) -> None:
    assert trend_kw_s(values) == slope
