"""How long a good client waits for its answers, with a flood and without."""

import asyncio
import subprocess
import sys
import time

import aiohttp

from tests.fuzz.floods import FLOODS
from tests.fuzz.target import KEY, Target

PAUSE_S = 0.02  # between two requests


def waits_ms(target: Target, flood: str, seconds: float) -> tuple[float, float, int]:
    """Return median and p99 of a good client's answers, and how many were no 200, during a flood ('' for none)."""
    if not flood:
        return asyncio.run(_good_client(target, seconds))
    command = [sys.executable, "-m", "tests.fuzz.floods", flood, str(target.ports[FLOODS[flood][0]])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as flooding:
        try:
            return asyncio.run(_good_client(target, seconds))
        finally:
            flooding.kill()


async def _good_client(target: Target, seconds: float) -> tuple[float, float, int]:
    """Ask for the sessions of a vehicle, which the gateway, the balancer and the substations answer together."""
    taken_s, bad, until_s = list[float](), 0, time.monotonic() + seconds
    limit = aiohttp.ClientTimeout(30)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}, timeout=limit) as http:
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            try:
                async with http.get(f"{target.gateway}/charge?vehicle_id=EV-1") as answer:
                    await answer.read()
                    bad += answer.status != 200
            except (aiohttp.ClientError, TimeoutError):
                bad += 1
            taken_s.append(time.monotonic() - began_s)
            await asyncio.sleep(PAUSE_S)
    ordered = sorted(taken_s)
    return ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000, bad
