"""`python -m tests.swarm.stream GATEWAY NAME PER_S`: cars one after the other, until its standard input ends.

Runs in a container on the stack's network, and prints the history of every car as JSON. Each asks as a good client
does: with one key, again when it is told to come back or nobody answers, until it is admitted. In the end all ask
once more with their keys.
"""

import asyncio
import dataclasses
import itertools
import json
import sys
import time
from typing import Any

import aiohttp

from tests.support.cars import Car, ask

SETTLED_WITHIN_S = 150.0  # after the last car has come
CONNECTED_WITHIN_S = 2.0
ANSWERED_WITHIN_S = 8.0  # a gateway answers within 5 s; on a node that is cut off it never does
WISH: dict[str, Any] = {"energy_kwh": 15.0, "max_power_kw": 22.0}  # at 120 times the clock, 25 s


async def admitted(session: aiohttp.ClientSession, gateway: str, car: Car) -> int:
    """Ask until a 201; returns how often nobody answered."""
    unanswered = 0
    while not car.session:
        unanswered += await ask(session, gateway, car) == 0
        if not car.session:
            await asyncio.sleep(car.come_back_s)
    return unanswered


async def stream(gateway: str, name: str, per_s: float) -> dict[str, Any]:
    """Send cars until standard input ends, and wait for those that still ask."""
    timeout = aiohttp.ClientTimeout(sock_connect=CONNECTED_WITHIN_S, sock_read=ANSWERED_WITHIN_S, total=None)
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=1)  # a gateway that is gone leaves the name
    wishing: list[Car] = []
    asking: set[asyncio.Task[int]] = set()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        end = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        begun_s = time.monotonic()
        for number in itertools.count():
            await asyncio.wait({end}, timeout=max(0.0, begun_s + number / per_s - time.monotonic()))
            if end.done():
                break
            key = f"{name}-{number}"
            wishing.append(Car(key, {"vehicle_id": key, **WISH}))
            asking.add(asyncio.create_task(admitted(session, gateway, wishing[-1])))
        done, still = await asyncio.wait(asking, timeout=SETTLED_WITHIN_S)
        for task in still:
            task.cancel()
        await asyncio.gather(*still, return_exceptions=True)
        await asyncio.gather(*(ask(session, gateway, car) for car in wishing if car.session))  # once more
    return {
        "cars": [dataclasses.asdict(car) for car in wishing],
        "unanswered": sum(task.result() for task in done),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(stream(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
