"""Waits until the grid can be measured: everything answers, and the fleet is nearly empty."""

import asyncio
import time
from collections.abc import Callable, Mapping

from loadtest.record.grid_reader import FleetStatus, GatewayStatus, GridReader, NotReady
from loadtest.record.readings import FleetSample, Reading
from loadtest.units import W_PER_KW

EMPTY_SHARE = 0.02  # a substation counts as empty below this share of its capacity
LOOK_EVERY_S = 1.0


async def settle(grid: GridReader, wait_s: float, say: Callable[[str], None]) -> FleetStatus:
    """Wait up to `wait_s` for a ready gateway and a nearly empty fleet; returns the fleet.

    `say` gets what the run waits for, in words. Raises NotReady when the time is over. Raises it at once when an
    obstacle lasts for longer than that, or when gateway and balancer are not of one grid.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + wait_s
    while True:
        gateway, fleet = await grid.gateway(), await grid.fleet()
        _one_grid(gateway, fleet)
        sample = await grid.sample(fleet.substation_urls, time.time)
        left_s = max(until_s - loop.time(), 0.0)
        obstacles = _obstacles(fleet.substation_urls, sample)
        obstacles += [f"no substation was seen at {url} yet" for url in fleet.unseen]
        if gateway.waits_for:
            obstacles.append(f"the gateway is not ready: {gateway.waits_for}")
        if not obstacles:
            return fleet
        if left_s <= 0 or (stays := _stays(sample, left_s)):
            why = obstacles if left_s <= 0 else stays
            raise NotReady(f"the grid is not ready within {wait_s:g} s: {'; '.join(why)}")
        say(f"waiting up to {left_s:.0f} s for a ready grid and an empty fleet: {'; '.join(obstacles)}")
        await asyncio.sleep(min(LOOK_EVERY_S, left_s))


def _one_grid(gateway: GatewayStatus, fleet: FleetStatus) -> None:
    """Raise NotReady unless the gateway is one of this fleet, as far as it can tell, and has substations."""
    if gateway.book_id and gateway.book_id != fleet.book_id:
        raise NotReady(
            f"the gateway belongs to another grid than the balancer: it works with the order book"
            f" {gateway.book_id}, not with {fleet.book_id}; nothing is sent"
        )
    if not fleet.substation_urls and not fleet.unseen:
        raise NotReady("the balancer knows no substations")


def _obstacles(substation_urls: Mapping[str, str], sample: FleetSample) -> list[str]:
    """Return a few words for each substation that does not answer, or is not nearly empty."""
    silent = [
        f"{each} does not answer at {substation_urls[each]}"
        for each in substation_urls.keys() - sample.readings
    ]
    return sorted(silent) + [
        f"{each} at {reading.load_share:.1%}"
        for each, reading in sample.readings.items()
        if reading.load_share >= EMPTY_SHARE
    ]


def _stays(sample: FleetSample, left_s: float) -> list[str]:
    """Return a few words for each substation whose sessions last longer than `left_s`."""
    return [
        f"{each} keeps at least {kept_w / W_PER_KW:g} kW for longer"
        for each, reading in sample.readings.items()
        if (kept_w := _kept_w(reading, left_s)) >= EMPTY_SHARE * reading.capacity_w
    ]


def _kept_w(reading: Reading, left_s: float) -> float:
    freed_w = next((watts for within_s, watts in reading.releases_w if within_s >= left_s), reading.load_w)
    return reading.load_w - freed_w
