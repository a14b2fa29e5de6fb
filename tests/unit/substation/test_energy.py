"""The meter of draw and energy: exact for few sessions, in pieces for many, and a counter in both."""

import asyncio

import pytest

from substation import energy
from substation.curve import Curve, Usage
from substation.energy import EnergyMeter, in_pieces
from substation.open_sessions import OpenSessions
from substation.plan import Plan
from substation.records import Entry

PLANS = [Plan(3_600_000 * kwh, power_w) for kwh, power_w in ((1, 3_700), (2, 11_000), (3, 22_000))]


def curve_of(count: int, ended_j: int = 0) -> Curve:
    sessions = OpenSessions()
    sessions.resume((Entry(f"s.{n}", "car", PLANS[n % 3], -7000 * n, 0, 0) for n in range(count)), 0)
    return sessions.curve(0, 10**9, Usage(ended_j), 0)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "MOST_AT_ONCE", 10)
    monkeypatch.setattr(energy, "PIECE", 7)
    monkeypatch.setattr(energy, "PIECE_PAUSE_S", 0)
    monkeypatch.setattr(energy, "PAUSE_S", 0)


@pytest.mark.parametrize("now_ms", [0, 1000, 10**6, 10**8])
def test_in_pieces_it_is_what_it_is_at_once(now_ms: int) -> None:
    curve = curve_of(30, ended_j=5)
    found = asyncio.run(in_pieces(curve, now_ms))
    assert found.draw_w == pytest.approx(curve.draw_at(now_ms))
    assert found.delivered_j == curve.delivered_at(now_ms)


def test_few_sessions_are_read_at_the_moment() -> None:
    curve, now = curve_of(10), [0]
    meter = EnergyMeter(lambda: (curve, now[0]))
    for now[0] in (0, 100_000, 10**8):
        assert meter.draw_w() == curve.draw_at(now[0])
        assert meter.delivered_j() == curve.delivered_at(now[0])


async def steps(meter: EnergyMeter, count: int) -> None:
    """Let the meter follow for so many turns of the event loop."""
    task = asyncio.create_task(meter.follow())
    for _ in range(count):
        await asyncio.sleep(0)
    task.cancel()


def test_many_sessions_are_read_as_they_were_last_found() -> None:
    curve, now = curve_of(30), [0]
    meter = EnergyMeter(lambda: (curve, now[0]))
    first_j = meter.delivered_j()
    assert first_j == curve.delivered_at(0)  # nothing was found yet
    now[0] = 100_000
    assert meter.delivered_j() == first_j
    asyncio.run(steps(meter, 20))
    assert meter.delivered_j() == curve.delivered_at(100_000) > first_j
    assert meter.draw_w() == pytest.approx(curve.draw_at(100_000))


def test_the_draw_that_was_found_is_never_above_the_load_of_the_moment() -> None:
    curve, now = curve_of(30), [0]
    meter = EnergyMeter(lambda: (curve, now[0]))
    assert 0 < meter.draw_w() <= curve.load_at(0)
    now[0] = 10**8
    assert meter.draw_w() == curve.load_at(10**8) == 0


def test_the_energy_never_falls_when_few_sessions_become_many() -> None:
    many, few = curve_of(30), curve_of(10, ended_j=10**9)
    shown = [many, 0]
    meter = EnergyMeter(lambda: (shown[0], shown[1]))  # type: ignore[arg-type, return-value]
    read = [meter.delivered_j()]
    for shown[:] in ([few, 50_000], [many, 60_000]):
        read.append(meter.delivered_j())
    assert read == sorted(read)
