"""`python -m tests.swarm.stream GATEWAY NAME PER_S`: cars one after the other, until its standard input ends.

Runs in a container on the stack's network, and prints the history of every car as JSON. Each asks as a good client
does: with one key, again after a Retry-After or without an answer, until it is admitted. In the end all ask
once more with their keys.
"""

import asyncio
import dataclasses
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


class Cars:
    """All that have come, and those that still ask."""

    def __init__(self, session: aiohttp.ClientSession, gateway: str, name: str) -> None:
        self.wishing: list[Car] = []
        self._session, self._gateway, self._name = session, gateway, name
        self._asking: list[asyncio.Task[int]] = []

    def come(self, count: int) -> None:
        """Have so many ask at once."""
        for number in range(len(self.wishing), len(self.wishing) + count):
            key = f"{self._name}-{number}"
            self.wishing.append(Car(key, {"vehicle_id": key, **WISH}))
            self._asking.append(asyncio.create_task(admitted(self._session, self._gateway, self.wishing[-1])))

    async def settle(self) -> int:
        """Wait for those that still ask, and have all ask once more; returns how often nobody answered."""
        done, still = await asyncio.wait(self._asking, timeout=SETTLED_WITHIN_S)
        for task in still:
            task.cancel()
        await asyncio.gather(*still, return_exceptions=True)
        settled = [car for car in self.wishing if car.session]
        await asyncio.gather(*(ask(self._session, self._gateway, car) for car in settled))
        return sum(task.result() for task in done)


async def stream(gateway: str, name: str, per_s: float) -> dict[str, Any]:
    """Send cars until standard input ends, and so many more at once for each line of it that names a number."""
    timeout = aiohttp.ClientTimeout(sock_connect=CONNECTED_WITHIN_S, sock_read=ANSWERED_WITHIN_S, total=None)
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=1)  # a gateway that is gone leaves the name
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        cars = Cars(session, gateway, name)
        line = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        due_s = time.monotonic()
        while True:
            await asyncio.wait({line}, timeout=max(0.0, due_s - time.monotonic()))
            if not line.done():
                cars.come(1)
                due_s += 1 / per_s
            elif count := line.result():
                cars.come(int(count))
                line = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
            else:
                break
        unanswered = await cars.settle()
    return {"cars": [dataclasses.asdict(car) for car in cars.wishing], "unanswered": unanswered}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(stream(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
