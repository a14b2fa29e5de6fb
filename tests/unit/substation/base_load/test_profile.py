"""A recorded base load: read from CSV, played under the grid clock."""

import math
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substation.base_load.calendar import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, GridCalendar, day_time_ms
from substation.base_load.profile import SLOT_MS, Playback, Profile
from substation.base_load.profile_csv import ProfileUnusable, read_profile
from substation.base_load.sources import SAMPLES, BaseLoadOptions, base_load, source

MONDAY = "time,kw\n2026-01-05T00:00,10\n2026-01-05T00:15,20\n2026-01-05T00:30,5\n"


def sample(number: int) -> Profile:
    return read_profile(SAMPLES[number - 1].read_text())


def test_between_two_points_the_load_is_linear_and_the_end_leads_back_to_the_start() -> None:
    profile = read_profile(MONDAY)
    at_minutes = {0: 10, 5: 13 + 1 / 3, 15: 20, 30: 5, 37.5: 7.5, 45: 10, 60: 20, -15: 5}
    for minutes, kw in at_minutes.items():
        assert profile.watts_at(minutes * MINUTE_MS) == pytest.approx(kw * 1000)


def test_a_weekday_is_played_on_that_weekday_whatever_day_the_file_begins_with() -> None:
    """The file begins on a Wednesday, at 0 kW, and lasts a week: its highest hour is on Saturday at noon."""
    lines = ["time,kw"]
    for slot in range(7 * 96):
        day, minutes = 7 + slot // 96, slot % 96 * 15
        at_noon = day == 10 and 12 * 60 <= minutes < 13 * 60
        lines.append(f"2026-01-{day:02}T{minutes // 60:02}:{minutes % 60:02},{50 if at_noon else 0}")
    playback = Playback("x", read_profile("\n".join(lines)), GridCalendar(6 * HOUR_MS))
    high = [hour for hour in range(14 * 24) if playback.watts_at(hour * HOUR_MS + 30 * MINUTE_MS) == 50_000]
    assert [GridCalendar(6 * HOUR_MS).label(hour * HOUR_MS) for hour in high] == ["Saturday 12:00"] * 2


def test_a_shift_of_two_hours_plays_two_hours_later() -> None:
    profile = sample(1)
    now = Playback("x", profile, GridCalendar())
    later = Playback("x", profile, GridCalendar(), shift_ms=2 * HOUR_MS)
    assert [later.watts_at(at + 2 * HOUR_MS) for at in range(0, DAY_MS, HOUR_MS)] == [
        now.watts_at(at) for at in range(0, DAY_MS, HOUR_MS)
    ]


@given(at_ms=st.integers(0, 10**12))
def test_watts_are_whole_and_never_below_the_profile_s(at_ms: int) -> None:
    playback = Playback("x", sample(2), GridCalendar())
    exact = playback.profile.watts_at(at_ms)
    assert playback.watts_at(at_ms) == math.ceil(exact)
    assert 0 <= exact <= max(playback.profile.watts)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_sample_is_four_weeks_whose_evenings_stand_above_their_nights(number: int) -> None:
    profile = sample(number)
    assert (profile.at_ms[0], profile.length_ms) == (0, 4 * WEEK_MS)
    assert [day_time_ms(each) for each in ("00:00", "23:59")] == [0, DAY_MS - MINUTE_MS]

    def mean_at(hour: int) -> float:
        return statistics.mean(profile.watts_at(day * DAY_MS + hour * HOUR_MS) for day in range(28))

    assert mean_at(19) > 1.5 * mean_at(3)


def test_scaling_moves_the_peak_and_keeps_the_shape() -> None:
    profile = sample(3)
    scaled = profile.scaled(200_000)
    assert max(scaled.watts) == pytest.approx(200_000)
    share = scaled.watts[0] / profile.watts[0]
    assert all(b == pytest.approx(a * share) for a, b in zip(profile.watts, scaled.watts, strict=True))


def test_noise_is_the_same_after_a_restart_different_for_others_and_as_strong_as_asked_for() -> None:
    options = BaseLoadOptions("sample-1", peak_kw=100, noise_share=0.1)
    quiet = base_load(BaseLoadOptions("sample-1", peak_kw=100), "substation-1", 120, 0)
    first, again, other = (base_load(options, name, 120, 0) for name in ("s-1", "s-1", "s-2"))
    moments = range(0, 2000 * SLOT_MS, SLOT_MS)
    assert [first.watts_at(at) for at in moments] == [again.watts_at(at) for at in moments]
    assert [first.watts_at(at) for at in moments] != [other.watts_at(at) for at in moments]
    errors = [first.watts_at(at) / quiet.watts_at(at) - 1 for at in moments]
    assert statistics.pstdev(errors) == pytest.approx(0.1, rel=0.1)
    assert statistics.mean(errors) == pytest.approx(0, abs=0.01)


def test_noise_never_makes_a_base_load_negative() -> None:
    noisy = base_load(BaseLoadOptions("sample-1", noise_share=1), "s-1", 120, 0)
    found = [noisy.watts_at(at) for at in range(0, 4000 * SLOT_MS, SLOT_MS)]
    assert min(found) == 0


def test_substations_get_the_samples_in_turn_by_the_numbers_of_their_ids() -> None:
    names = [
        base_load(BaseLoadOptions("sample"), name, 120, 0).name
        for name in ("substation-1", "substation-2", "substation-3", "substation-4", "north")
    ]
    assert names == ["sample-1", "sample-2", "sample-3", "sample-1", "sample-1"]


FAULTS = {
    "": "the first line must be: time,kw; at least two points",
    "time,mw\n2026-01-05T00:00,1\n2026-01-05T00:15,1\n": "the first line must be: time,kw",
    MONDAY + "yesterday,5\n": "line 5: Invalid isoformat string: 'yesterday'",
    MONDAY + "2026-01-05T00:45,much\n": "line 5: could not convert string to float: 'much'",
    MONDAY + "2026-01-05T00:45,-1\n": "line 5: '-1' is not a power",
    MONDAY + "2026-01-05T00:45,nan\n": "line 5: 'nan' is not a power",
    MONDAY + "2026-01-05T00:45\n": "line 5: a time and a power are needed",
    MONDAY + "2026-01-05T00:45+01:00,1\n": "names a zone",
    MONDAY + "2026-01-05T00:30,1\n": "line 5: '2026-01-05T00:30' does not come within 15 minutes after",
    MONDAY + "2026-01-05T01:00,1\n": "line 5: '2026-01-05T01:00' does not come within 15 minutes after",
    MONDAY + "2026-01-05T00:45,-1\nx,1\n": "line 5: .*; line 6: ",
    MONDAY + "x,1\n" * 30: "and 20 more",
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.items())
def test_a_file_that_can_t_be_used_is_refused_with_each_fault_and_its_line(text: str, fault: str) -> None:
    with pytest.raises(ProfileUnusable, match=fault):
        read_profile(text)


def test_a_source_that_can_t_be_used_is_refused_with_what_is_accepted(tmp_path: Path) -> None:
    zero, latin = tmp_path / "zero.csv", tmp_path / "latin.csv"
    zero.write_text(
        MONDAY.replace("10\n", "0\n").replace("20\n", "0\n").replace("5\n2", "0\n2").replace(",5", ",0")
    )
    latin.write_bytes("zeit,k\xfc\n".encode("latin-1"))
    for name, fault in (
        (str(tmp_path / "none"), "No such file.*off, meter, sample, sample-1, sample-2, sample-3"),
        (str(zero), "0 throughout"),
        (str(latin), "not text in UTF-8"),
    ):
        with pytest.raises(ValueError, match=fault):
            source(name)
    assert [source(name) for name in ("off", "meter", "sample", "sample-3")] == [
        "off",
        "meter",
        "sample",
        "sample-3",
    ]


@pytest.mark.parametrize("text", ["6:30", "24:00", "12:60", "1230", "", "aa:bb", "-1:00", "06:30 "])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="00:00 to 23:59"):
        day_time_ms(text)
