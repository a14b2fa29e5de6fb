"""Grid time on a virtual clock."""

from hypothesis import given
from hypothesis import strategies as st

from substation.clock import ClockReading, GridClock


def test_grid_time_runs_scale_times_as_fast_as_the_wall_clock() -> None:
    clock = GridClock(start_ms=500, start_monotonic_s=100.0, scale=120.0)
    assert clock.at(100.0) == 500
    assert clock.at(101.5) == 500 + 180_000


def test_a_restart_counts_the_time_that_the_process_was_down() -> None:
    clock = GridClock.resume(ClockReading(7000, 1_000_000, 120.0), 1_002_000, 50.0, 120.0)
    assert clock.at(50.0) == 7000 + 2000 * 120


def test_time_that_passed_before_a_restart_counts_by_the_scale_of_then() -> None:
    clock = GridClock.resume(ClockReading(7000, 1_000_000, scale=120.0), 1_002_000, 50.0, scale=1.0)
    assert clock.at(50.0) == 7000 + 2000 * 120
    assert clock.at(51.0) == 7000 + 2000 * 120 + 1000


def test_a_journal_that_does_not_know_its_scale_takes_the_present_one() -> None:
    assert GridClock.resume(ClockReading(7000, 1_000_000), 1_002_000, 50.0, scale=3.0).at(50.0) == 7000 + 6000


def test_a_wall_clock_that_was_set_back_does_not_take_grid_time_back() -> None:
    clock = GridClock.resume(ClockReading(7000, 1_000_000, 120.0), 400_000, 50.0, 120.0)
    assert clock.at(50.0) == 7000


def test_a_span_of_grid_time_takes_its_wall_time_rounded_up() -> None:
    clock = GridClock(0, 0.0, 120.0)
    assert clock.wall_ms(240) == 2
    assert clock.wall_ms(241) == 3
    assert clock.wall_ms(0) == 0


@given(
    scale=st.floats(0.001, 100_000),
    spans_s=st.lists(st.floats(0, 10_000), max_size=10),
    jumps_ms=st.lists(st.integers(-(10**9), 10**9), max_size=10),
)
def test_grid_time_never_goes_back_through_restarts_and_jumps_of_the_wall_clock(
    scale: float, spans_s: list[float], jumps_ms: list[int]
) -> None:
    monotonic_s, unix_ms = 12.5, 1_700_000_000_000
    clock = GridClock(0, monotonic_s, scale)
    newest = 0
    for span_s, jump_ms in zip(spans_s, jumps_ms, strict=False):
        monotonic_s += span_s
        stored_ms, stored_unix_ms = clock.at(monotonic_s), unix_ms
        assert stored_ms >= newest
        unix_ms += jump_ms
        clock = GridClock.resume(ClockReading(stored_ms, stored_unix_ms, scale), unix_ms, monotonic_s, scale)
        newest = clock.at(monotonic_s)
        assert newest >= stored_ms
