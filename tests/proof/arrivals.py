"""Cars that arrive over a while at a real grid, and come back once when they are told to."""

import asyncio
import dataclasses
import random
from collections.abc import Callable
from typing import Any

import aiohttp

from loadtest.arrivals import rush_hour


@dataclasses.dataclass
class Came:
    """One car: its answers in order, each (status, body, Retry-After in seconds or None)."""

    at_s: float
    body: dict[str, Any]
    answers: list[tuple[int, dict[str, Any], float | None]] = dataclasses.field(default_factory=list)

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
    meanwhile: tuple[tuple[float, Callable[[], object]], ...] = (),
) -> list[Came]:
    """Let seeded cars of the rush hour's kind arrive; `meanwhile` runs calls at moments in seconds."""
    plan = rush_hour(seed, requests, seconds, random.Random(seed))
    cars = [Came(arrival.at_s, dict(arrival.body())) for arrival in plan]

    async def call(at_s: float, what: Callable[[], object]) -> None:
        await asyncio.sleep(at_s)
        await asyncio.to_thread(what)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(
            *(_come(http, gateway, car, back=back) for car in cars),
            *(call(at_s, what) for at_s, what in meanwhile),
        )
    return cars
