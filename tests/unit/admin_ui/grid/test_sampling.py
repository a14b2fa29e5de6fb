"""Every second is recorded once, though timers are not exact."""

from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.wiring import until_next_sample_s

EARLY_S, LATE_S = -0.005, 0.8


@given(
    start_unix_s=st.floats(1e9, 2e9),
    errors_s=st.lists(st.floats(EARLY_S, LATE_S), min_size=1, max_size=50),
)
def test_no_second_is_left_out_and_none_is_recorded_twice(start_unix_s: float, errors_s: list[float]) -> None:
    now_s = start_unix_s + until_next_sample_s(start_unix_s)
    for error_s in errors_s:
        before = int(now_s)
        now_s += until_next_sample_s(now_s) + error_s
        assert int(now_s) == before + 1
