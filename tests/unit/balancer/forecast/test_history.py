"""The history on the disk, what is imported into it, and the forecasts that start from it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from balancer.forecast.calendar_days import SLOT_MS, SLOTS, WEEK, DayType, day_type, holidays
from balancer.forecast.forecaster import LEARNED_DAYS, Forecaster, follow
from balancer.forecast.history import FILE, KEPT_DAYS, History, HistoryUnavailable
from balancer.forecast.importing import NotImported, import_series
from balancer.forecast.recorder import QuarterHour, Reading, Recorder
from balancer.forecast.substation_models import Series, SubstationModels
from runtime.store import StoreUnusable
from tests.unit.balancer.forecast.series import noisy, usual

NONE = holidays("")
ALWAYS = 2**40


def row(slot: int, name: str = "s-1", load_w: float = 1.0) -> QuarterHour:
    return QuarterHour(name, slot, load_w, 2 * load_w, 3, 4)


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[History]:
    history = History(folder / FILE)
    try:
        yield history
    finally:
        await history.close()


async def all_of(history: History, name: str = "s-1") -> list[QuarterHour]:
    return await history.between(name, -ALWAYS, ALWAYS, 10**6)


def imported(folder: Path, name: str = "s-1") -> list[QuarterHour]:
    async def look() -> list[QuarterHour]:
        async with opened(folder) as history:
            return await all_of(history, name)

    return asyncio.run(look())


def test_what_was_written_is_there_after_a_restart_and_gaps_are_gaps(tmp_path: Path) -> None:
    rows = [row(1), row(2), QuarterHour("s-1", 9, None, 5.0, 0, 0, holiday=True)]

    async def write() -> None:
        async with opened(tmp_path) as history:
            await history.add([*rows, row(5, "s-2")])
            await history.add([row(2, load_w=99.0)])  # what is there stays

    asyncio.run(write())
    assert imported(tmp_path) == rows
    assert imported(tmp_path, "s-2") == [row(5, "s-2")]


def test_a_page_holds_the_oldest_of_its_range(tmp_path: Path) -> None:
    async def look() -> list[int]:
        async with opened(tmp_path) as history:
            await history.add([row(slot) for slot in range(10)])
            return [found.slot for found in await history.between("s-1", 3, 8, 4)]

    assert asyncio.run(look()) == [3, 4, 5, 6]


def test_400_days_are_kept(tmp_path: Path) -> None:
    last = 1000 * SLOTS
    oldest = last - KEPT_DAYS * SLOTS + 1

    async def look() -> tuple[list[int], list[int], list[str]]:
        async with opened(tmp_path) as history:
            await history.add([row(0, "s-2"), row(oldest - 1), row(oldest), row(last - 1)])
            await history.add([row(last)])
            first, second = [[found.slot for found in await all_of(history, name)] for name in ("s-1", "s-2")]
            return first, second, await history.substations()

    assert asyncio.run(look()) == ([oldest, last - 1, last], [0], ["s-1", "s-2"])


def test_a_full_disk_is_an_error_in_words_and_undoes_all_of_it(tmp_path: Path) -> None:
    async def look() -> list[QuarterHour]:
        async with opened(tmp_path) as history:
            history._store.run("PRAGMA max_page_count = 1")
            with pytest.raises(HistoryUnavailable, match="the history: database or disk is full"):
                await history.add([row(slot) for slot in range(10_000)])
            return await all_of(history)

    assert asyncio.run(look()) == []


def test_a_history_in_use_or_closed_says_so(tmp_path: Path) -> None:
    async def look() -> None:
        async with opened(tmp_path) as history:
            with pytest.raises(StoreUnusable, match="is another process using it"):
                History(tmp_path / FILE)
            with pytest.raises(NotImported, match="is another process using it"):
                import_series({"s-1": {0: 1.0}}, tmp_path, {}, NONE)
        with pytest.raises(HistoryUnavailable, match="stopping"):
            await history.substations()

    asyncio.run(look())


def test_an_import_lies_before_the_first_monday_on_the_same_weekdays(tmp_path: Path) -> None:
    values = {slot: usual(slot) for slot in range(100 * WEEK + 5, 102 * WEEK + 3 * SLOTS)}
    (told,) = import_series({"s-1": values}, tmp_path, {}, NONE)
    rows = imported(tmp_path)
    assert [found.base_load_w for found in rows] == [value * 1000 for value in values.values()]
    assert -WEEK <= rows[-1].slot < 0
    assert all(usual(found.slot) * 1000 == pytest.approx(found.base_load_w) for found in rows)
    assert f"s-1: {len(values)} quarter hours imported" in told


def test_an_import_lies_before_what_was_recorded_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    async def record() -> None:
        async with opened(tmp_path) as history:
            await history.add([row(-3 * WEEK + 10), row(5)])

    asyncio.run(record())
    for kw in (1.0, 2.0):
        import_series({"s-1": dict.fromkeys(range(2 * SLOTS), kw)}, tmp_path, {}, NONE)
    rows = imported(tmp_path)
    assert [(found.slot, found.base_load_w) for found in rows[-2:]] == [(-3 * WEEK + 10, 1.0), (5, 1.0)]
    assert {found.base_load_w for found in rows[:-2]} == {2000.0}
    assert len(rows) == 2 * SLOTS + 2
    assert -4 * WEEK + 10 <= rows[-3].slot < -3 * WEEK + 10


def test_an_import_may_be_scaled_to_a_peak_and_names_columns(tmp_path: Path) -> None:
    series = {"a": {0: 2.0, 1: 8.0}, "b": {0: 1.0}}
    told = import_series(series, tmp_path, {"a": "s-1"}, NONE, peak_kw=200)
    assert [found.base_load_w for found in imported(tmp_path)] == [50_000, 200_000]
    assert imported(tmp_path, "s-2") == []
    assert told == ["s-1: 2 quarter hours imported, base load up to 200.0 kW"]


def test_holidays_of_an_import_are_learned_as_sundays(tmp_path: Path) -> None:
    monday = 500 * 7
    values = {slot: usual(slot) for slot in range(monday * SLOTS - 6 * WEEK, monday * SLOTS)}
    rules = holidays("1979-08-03")  # the Friday before
    import_series({"s-1": values}, tmp_path, {}, rules)
    days = {found.slot // SLOTS for found in imported(tmp_path) if found.holiday}
    assert days == {-3}
    assert day_type(-3) is DayType.WORKING_DAY


@pytest.mark.parametrize(
    ("columns", "peak_kw", "expected"),
    [
        ({"c": "s-1"}, None, "no column c; there are A, a, b"),
        ({}, None, "'A' is no substation's id"),
        ({"a": "s-1", "b": "s-1"}, None, "two columns for one substation"),
        ({"b": "s-1"}, 5.0, "no value above 0"),
    ],
)
def test_an_import_that_makes_no_sense_is_refused(
    tmp_path: Path, columns: dict[str, str], peak_kw: float | None, expected: str
) -> None:
    with pytest.raises(NotImported, match=expected):
        import_series({"A": {0: 1.0}, "a": {0: 1.0}, "b": {0: 0.0}}, tmp_path, columns, NONE, peak_kw)


def test_after_an_import_the_first_day_is_forecast_well(tmp_path: Path) -> None:
    import_series({"s-1": noisy(range(LEARNED_DAYS * SLOTS))}, tmp_path, {}, NONE)

    async def look() -> tuple[float, float, int]:
        async with opened(tmp_path) as history:
            forecaster = Forecaster(history)
            assert forecaster.forecast("s-1") == ()
            await forecaster.restart()
            steps = forecaster.forecast("s-1")
            cars = forecaster.forecast("s-1", Series.CARS_LOAD)
            off = sum(abs(step.mean - 1000 * usual(step.slot)) for step in steps)
            return off, sum(1000 * usual(step.slot) for step in steps), len(cars)

    off, whole, cars = asyncio.run(look())
    assert off < 0.06 * whole
    assert cars == 0


def test_readings_become_a_history_and_forecasts_that_a_restart_does_not_change(tmp_path: Path) -> None:
    """A week of grid time, in readings of every five minutes."""

    async def record() -> tuple[object, object]:
        now = iter(range(0, WEEK * SLOT_MS, SLOT_MS // 3))
        over = asyncio.Event()

        def readings() -> Sequence[Reading]:
            ms = next(now, WEEK * SLOT_MS - 1)
            if ms == WEEK * SLOT_MS - 1:
                over.set()
            load_w = int(1000 * usual(ms // SLOT_MS))
            return [Reading("s-1", ms, 2 * load_w, load_w)]

        async with opened(tmp_path) as history:
            forecaster, recorder = Forecaster(history), Recorder()
            following = asyncio.create_task(follow(forecaster, recorder, readings, 0))
            await over.wait()
            following.cancel()
            found = [forecaster.forecast("s-1", series) for series in Series]
            again = Forecaster(history)
            await again.restart()
            return found, [again.forecast("s-1", series) for series in Series]

    before, after = asyncio.run(record())
    assert before == after
    rows = imported(tmp_path)
    assert [found.slot for found in rows] == list(range(WEEK - 1))
    assert all(found.cars_load_w == 2 * int(1000 * usual(found.slot)) for found in rows)


def test_a_substation_that_is_gone_is_forgotten_and_learned_again(tmp_path: Path) -> None:
    async def look() -> list[int]:
        async with opened(tmp_path) as history:
            forecaster = Forecaster(history)
            lengths = []
            for slot in (1, 2):
                await forecaster.finished([row(slot)])
                lengths.append(len(forecaster.forecast("s-1")))
                forecaster.forget("s-1")
                lengths.append(len(forecaster.forecast("s-1")))
            return lengths

    assert asyncio.run(look()) == [SLOTS, 0, SLOTS, 0]


@pytest.mark.parametrize(("forget_after_s", "steps"), [(60.0, SLOTS), (0.0, 0)])
def test_the_forecast_outlasts_late_reports_and_ends_with_the_substation(
    tmp_path: Path, forget_after_s: float, steps: int
) -> None:
    async def look() -> int:
        looks = 0

        def readings() -> Sequence[Reading]:
            nonlocal looks
            looks += 1
            return [Reading("s-1", looks * SLOT_MS, 1000, 1000)] if looks < 4 else []

        async with opened(tmp_path) as history:
            forecaster = Forecaster(history)
            following = asyncio.create_task(follow(forecaster, Recorder(), readings, 0.001, forget_after_s))
            while looks < 10:
                await asyncio.sleep(0.001)
            following.cancel()
            return len(forecaster.forecast("s-1"))

    assert asyncio.run(look()) == steps


def test_a_past_that_comes_late_is_learned_before_what_is_known_already(tmp_path: Path) -> None:
    past = [row(slot, load_w=usual(slot)) for slot in range(SLOTS)]

    async def look() -> tuple[object, object, list[QuarterHour]]:
        async with opened(tmp_path) as history:
            forecaster = Forecaster(history)
            await forecaster.finished([row(SLOTS, load_w=50.0)])
            await forecaster.fill("s-1", [*past, row(SLOTS, load_w=99.0)])
            again = Forecaster(history)
            await again.restart()
            return forecaster.forecast("s-1"), again.forecast("s-1"), await all_of(history)

    late, from_the_start, rows = asyncio.run(look())
    assert late == from_the_start != ()
    assert rows == [*past, row(SLOTS, load_w=50.0)]  # what was recorded stays


def test_what_can_t_be_written_is_forecast_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> int:
        async with opened(tmp_path) as history:
            forecaster = Forecaster(history)
        await forecaster.finished([row(1)])
        return len(forecaster.forecast("s-1"))

    assert asyncio.run(look()) == SLOTS
    assert "quarter hours are missing in the history" in caplog.text


def test_each_series_is_learned_from_its_own_values() -> None:
    models = SubstationModels()
    models.learn([row(slot) for slot in range(8)])
    models.learn([row(3), QuarterHour("s-1", 8, base_load_w=1.0)])
    found = models.forecasts()
    assert {series: steps[0].mean for series, steps in found.items()} == {
        Series.BASE_LOAD: 1.0,
        Series.CARS_LOAD: 2.0,
        Series.ARRIVALS: 3.0,
        Series.ENERGY: 4.0,
    }
    assert {steps[0].slot for steps in found.values()} == {9}, "also of a series that lacks the last one"
