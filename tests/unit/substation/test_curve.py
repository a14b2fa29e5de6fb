"""The published curve against a computation that looks at every millisecond."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from substation.contract import RELEASES_WITHIN_S
from substation.curve import Curve, Usage
from substation.releases import Release, Releases
from tests.support.sessions import entry, place

MOMENTS = st.integers(0, 60)
SESSION = entry(place("a"))
RELEASES = st.lists(
    st.builds(Release, st.integers(1, 50), st.integers(1, 9), st.sampled_from([None, SESSION])),
    max_size=8,
)


def curve_of(
    releases: list[Release], capacity_w: int = 100, usage: Usage | None = None, at_ms: int = 0
) -> Curve:
    """A curve whose load is all that will be freed."""
    load_w = sum(release.freed_w for release in releases)
    sessions = sum(release.ends is not None for release in releases)
    return Curve(at_ms, load_w, capacity_w, sessions, usage or Usage(), Releases.of(releases))


def brute_load(releases: list[Release], now_ms: float) -> int:
    return sum(release.freed_w for release in releases if release.at_ms > now_ms)


def brute_usage(releases: list[Release], capacity_w: int, usage: Usage, now_ms: int) -> Usage:
    """Add one millisecond after the other."""
    admission_wms, derating_wms = usage.admission_wms, usage.derating_wms
    for moment in range(now_ms):
        load_w = brute_load(releases, moment)
        derated_w = max(0, min(load_w, usage.allowed_w) - capacity_w)
        derating_wms += derated_w
        admission_wms += max(0, load_w - capacity_w) - derated_w
    allowed_w = min(usage.allowed_w, brute_load(releases, now_ms))
    return Usage(usage.ended_j, admission_wms, derating_wms, allowed_w if allowed_w > capacity_w else 0)


@given(releases=RELEASES, now_ms=MOMENTS)
def test_load_is_what_is_not_freed_yet(releases: list[Release], now_ms: int) -> None:
    assert curve_of(releases).load_at(now_ms) == brute_load(releases, now_ms)


@given(releases=RELEASES, now_ms=MOMENTS)
def test_sessions_are_those_whose_last_watts_are_not_freed_yet(releases: list[Release], now_ms: int) -> None:
    still = sum(release.ends is not None for release in releases if release.at_ms > now_ms)
    assert curve_of(releases).sessions_at(now_ms) == still


@given(releases=RELEASES, now_ms=MOMENTS, time_scale=st.sampled_from([0.001, 0.01, 1.0, 120.0]))
def test_the_release_schedule_is_the_difference_of_two_loads(
    releases: list[Release], now_ms: int, time_scale: float
) -> None:
    curve = curve_of(releases)
    expected = tuple(
        brute_load(releases, now_ms) - brute_load(releases, now_ms + within * time_scale * 1000)
        for within in RELEASES_WITHIN_S
    )
    assert curve.releases_at(now_ms, time_scale) == expected
    assert curve.releases_at(now_ms, time_scale)[-1] == curve.load_at(now_ms)


@given(releases=RELEASES, now_ms=MOMENTS, capacity_w=st.integers(1, 40), allowed_w=st.integers(0, 80))
def test_usage_adds_up_as_millisecond_by_millisecond(
    releases: list[Release], now_ms: int, capacity_w: int, allowed_w: int
) -> None:
    before = Usage(1000, 10, 20, allowed_w)
    found = curve_of(releases, capacity_w, before).usage_at(now_ms)
    assert found == brute_usage(releases, capacity_w, before, now_ms)


@given(releases=RELEASES, capacity_w=st.integers(1, 40), allowed_w=st.integers(0, 80), data=st.data())
def test_usage_over_two_spans_is_usage_over_their_sum(
    releases: list[Release], capacity_w: int, allowed_w: int, data: st.DataObject
) -> None:
    first, second = sorted(data.draw(st.tuples(MOMENTS, MOMENTS)))
    curve = curve_of(releases, capacity_w, Usage(allowed_w=allowed_w))
    left = [release for release in releases if release.at_ms > first]
    later = curve_of(left, capacity_w, curve.usage_at(first), first)
    assert later.usage_at(second) == curve.usage_at(second)


@given(releases=RELEASES)
def test_load_only_falls_between_two_commits(releases: list[Release]) -> None:
    loads = [curve_of(releases).load_at(moment) for moment in range(60)]
    assert all(earlier >= later for earlier, later in itertools.pairwise(loads))


def test_an_overload_that_no_lowered_capacity_explains_is_the_admission_s() -> None:
    curve = curve_of([Release(50, 30, SESSION)], capacity_w=20)
    assert curve.usage_at(10) == Usage(admission_wms=100)


def test_an_overload_is_not_excused_by_a_derating_that_was_over() -> None:
    """Stops brought the load below the lowered capacity; what came later is not the derating's."""
    below = curve_of([Release(50, 15, SESSION)], capacity_w=20, usage=Usage(allowed_w=60))
    assert below.usage_at(10).allowed_w == 0
