"""Cars that arrive over a while at a real grid, and come back once, after their Retry-After."""

import asyncio
import dataclasses
import math
import random
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from loadtest.plan.arrivals import rush_hour

# What cars ask for, beside what they ask for in a rush hour.
KINDS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "mixed": lambda _: {},
    "equal": lambda _: {"energy_kwh": 20.0, "max_power_kw": 11.0, "stay_minutes": 720.0},
    # Half take less than 13 kWh, and one in a hundred more than 150.
    "long-tailed": lambda rng: {
        "energy_kwh": round(min(400.0, rng.lognormvariate(math.log(13), 1.1)), 3),
        "stay_minutes": 10_080.0,
    },
}


@dataclasses.dataclass
class Came:
    """One car: its answers in order, each (status, body, Retry-After in seconds or None), and their moments.

    The moments are unix seconds.
    """

    at_s: float
    body: dict[str, Any]
    answers: list[tuple[int, dict[str, Any], float | None]] = dataclasses.field(default_factory=list)
    answered_s: list[float] = dataclasses.field(default_factory=list)

    @property
    def session(self) -> dict[str, Any] | None:
        """The body of its 201."""
        return next((body for status, body, _ in self.answers if status == 201), None)


async def _ask(http: aiohttp.ClientSession, gateway: str, car: Came) -> None:
    headers = {"Idempotency-Key": str(car.body["vehicle_id"])}
    async with http.post(f"{gateway}/charge", json=car.body, headers=headers) as answer:
        after = answer.headers.get("Retry-After")
        car.answers.append(
            (answer.status, await answer.json(content_type=None), float(after) if after else None)
        )
        car.answered_s.append(time.time())


async def _come(http: aiohttp.ClientSession, gateway: str, car: Came, *, back: bool) -> None:
    await asyncio.sleep(car.at_s)
    await _ask(http, gateway, car)
    again_s = car.answers[0][2]
    if back and car.answers[0][0] == 503 and again_s is not None:
        await asyncio.sleep(again_s)
        await _ask(http, gateway, car)


async def arrive(
    gateway: str,
    requests: int,
    seconds: float,
    *,
    seed: int = 1,
    back: bool = False,
    kind: str = "mixed",
    meanwhile: tuple[tuple[float, Callable[[], object]], ...] = (),
) -> list[Came]:
    """Let seeded cars arrive as in a rush hour; `meanwhile` runs calls at moments in seconds.

    `kind` is what they ask for: see KINDS.
    """
    plan = rush_hour(seed, requests, seconds, random.Random(seed))
    asked = random.Random(seed)
    cars = [Came(arrival.at_s, dict(arrival.body()) | KINDS[kind](asked)) for arrival in plan]

    async def call(at_s: float, what: Callable[[], object]) -> None:
        await asyncio.sleep(at_s)
        await asyncio.to_thread(what)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(
            *(_come(http, gateway, car, back=back) for car in cars),
            *(call(at_s, what) for at_s, what in meanwhile),
        )
    return cars
