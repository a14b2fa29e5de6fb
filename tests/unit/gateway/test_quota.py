"""Token buckets on a virtual clock: never more than burst and rate allow, never less than the rate."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.quota import BURST_S, NS_PER_S, SWEPT_ABOVE, Quota, QuotaDecision

RATES = st.integers(1, 6_000_000)
PAUSES = st.lists(st.integers(0, 2 * NS_PER_S) | st.integers(0, 1000), min_size=1, max_size=200)


def burst(per_minute: int) -> int:
    return max(1, per_minute * BURST_S // 60)


@given(per_minute=st.integers(1, 600), pauses=PAUSES, start=st.integers(0, 10**18))
@example(per_minute=7, pauses=[0, 60 * NS_PER_S // 7], start=0)
def test_over_any_time_no_more_is_admitted_than_burst_and_rate(
    per_minute: int, pauses: list[int], start: int
) -> None:
    quota, now, admitted = Quota(), start, []
    for pause in pauses:
        now += pause
        if quota.take("a", per_minute, now).admitted:
            admitted.append(now)
    for first, began in enumerate(admitted):
        for last in range(first, len(admitted)):
            most = burst(per_minute) * 60 * NS_PER_S + per_minute * (admitted[last] - began)
            assert (last - first + 1) * 60 * NS_PER_S <= most


@given(per_minute=RATES, late=st.lists(st.integers(0, 10**9), max_size=50))
def test_who_stays_within_its_rate_is_never_refused(per_minute: int, late: list[int]) -> None:
    quota, now = Quota(), 0
    for pause in late:
        now += -(-60 * NS_PER_S // per_minute) + pause
        assert quota.take("a", per_minute, now).admitted


@given(per_minute=st.integers(1, 6000))
def test_a_quiet_caller_may_come_with_its_whole_burst_at_once_and_no_more(per_minute: int) -> None:
    quota = Quota()
    grants = [quota.take("a", per_minute, 5) for _ in range(burst(per_minute) + 3)]
    assert [grant.admitted for grant in grants].count(True) == burst(per_minute)
    expected = [*range(burst(per_minute) - 1, -1, -1), 0, 0, 0]
    assert [grant.remaining for grant in grants] == expected


@given(per_minute=st.integers(1, 600), pauses=PAUSES)
def test_what_a_grant_says_is_left_is_admitted_and_one_more_in_the_second_that_it_names(
    per_minute: int, pauses: list[int]
) -> None:
    quota, now, grant = Quota(), 0, QuotaDecision(admitted=False, remaining=0, next_s=0, burst=0, window_s=0)
    for pause in pauses:
        now += pause
        grant = quota.take("a", per_minute, now)
    later = now + grant.next_s * NS_PER_S
    assert all(quota.take("a", per_minute, now).admitted for _ in range(grant.remaining))
    assert not quota.take("a", per_minute, now).admitted
    assert grant.next_s == 1 or not quota.take("a", per_minute, later - NS_PER_S).admitted
    assert quota.take("a", per_minute, later).admitted


@given(callers=st.text(string.ascii_lowercase[:4], max_size=60), alone=st.sampled_from("abcd"))
def test_what_others_do_changes_nothing_for_a_caller(callers: str, alone: str) -> None:
    shared, own = Quota(), Quota()
    for now, caller in enumerate(callers):
        grant = shared.take(caller, 60, now)
        if caller == alone:
            assert grant == own.take(caller, 60, now)


def test_callers_that_came_long_ago_take_no_room() -> None:
    quota = Quota()
    for number in range(100_000):
        quota.take(str(number), 60, number * NS_PER_S)
        assert len(quota) <= SWEPT_ABOVE + 1


def test_a_sweep_forgets_nobody_whose_bucket_is_not_full() -> None:
    quota = Quota()
    for number in range(5 * SWEPT_ABOVE):
        assert quota.take(str(number), 1, 0).admitted
    assert not any(quota.take(str(number), 1, 1).admitted for number in range(5 * SWEPT_ABOVE))


def test_a_policy_is_what_it_admits_in_its_window() -> None:
    grant = Quota().take("a", 60_000, 0)
    assert grant.policy_field() == '"default";q=10000;w=10'
    assert grant.limit_field() == '"default";r=9999;t=1'
    assert Quota().take("a", 1, 0).policy_field() == '"default";q=1;w=60'
    assert Quota().take("a", 1, 0).limit_field() == '"default";r=0;t=60'
