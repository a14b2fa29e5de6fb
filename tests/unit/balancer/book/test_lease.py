"""Who holds the rush hour, on a clock that is an argument."""

import pytest

from balancer.book.lease import MOST_TTL_S, Lease, taken

NOW_MS = 1_700_000_000_000
MOST_MS = int(MOST_TTL_S * 1000)


@pytest.mark.parametrize(
    ("ends_in_ms", "left_ms"),
    [(1, 1), (MOST_MS, MOST_MS), (0, 0), (-1, 0), (MOST_MS + 1, 0)],
)
def test_a_lease_is_held_until_its_end_and_never_for_longer_than_any_may_be(
    ends_in_ms: int, left_ms: int
) -> None:
    assert Lease("run", NOW_MS + ends_in_ms).left_ms(NOW_MS) == left_ms


@pytest.mark.parametrize(
    ("current", "wins"),
    [
        (None, True),
        (Lease("mine", NOW_MS + 1), True),  # renewed
        (Lease("mine", NOW_MS - 1), True),
        (Lease("other", NOW_MS + 1), False),
        (Lease("other", NOW_MS), True),  # over
        (Lease("other", NOW_MS + MOST_MS + 1), True),  # the clock was set back since
    ],
)
def test_it_is_taken_unless_another_holds_it(current: Lease | None, *, wins: bool) -> None:
    wanted = Lease("mine", NOW_MS + 5_000)
    assert taken(current, wanted, NOW_MS) == (wanted if wins else current)
