"""How many frames a client may send."""

from runtime.frame_allowance import A_SECOND, BURST, FrameAllowance


def taken(allowance: FrameAllowance, frames: int, now_s: float) -> int:
    return sum(allowance.take(now_s) for _ in range(frames))


def test_a_burst_is_allowed_and_then_no_more() -> None:
    assert taken(FrameAllowance(5.0), 1000, 5.0) == BURST


def test_more_is_allowed_as_time_passes_up_to_a_burst() -> None:
    allowance = FrameAllowance(0.0)
    assert taken(allowance, 1000, 0.0) == BURST
    assert taken(allowance, 1000, 1.0) == A_SECOND
    assert taken(allowance, 1000, 1000.0) == BURST


def test_a_client_within_the_rate_is_never_stopped() -> None:
    allowance = FrameAllowance(0.0)
    assert all(allowance.take(number / A_SECOND) for number in range(10_000))
