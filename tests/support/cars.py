"""Cars that ask to charge, many at once, as a good client does: with the same key until the answer is final."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from typing import Any

import aiohttp

PATIENCE_S = 60.0  # nothing takes as long unless it hangs


@dataclasses.dataclass
class Car:
    """One request to charge and its answers, which are (status, body) in order."""

    key: str
    wish: dict[str, Any]
    answers: list[tuple[int, dict[str, Any]]] = dataclasses.field(default_factory=list)
    come_back_s: float = 0.0

    @property
    def session(self) -> dict[str, Any] | None:
        """The body of the first 201."""
        return next((body for status, body in self.answers if status == 201), None)


def cars(count: int, name: str, **wish: Any) -> list[Car]:
    """Return cars that all request the same."""
    return [Car(f"{name}-{n}", {"vehicle_id": f"{name}-{n}", **wish}) for n in range(count)]


async def ask(session: aiohttp.ClientSession, gateway: str, car: Car) -> int:
    """Send one request; returns the status, 0 when the connection failed."""
    headers = {"Idempotency-Key": car.key} if car.key else {}
    car.come_back_s = 0.1
    try:
        async with session.post(f"{gateway}/charge", json=car.wish, headers=headers) as answer:
            car.come_back_s = float(answer.headers.get("Retry-After", "0.1"))
            car.answers.append((answer.status, await answer.json(content_type=None)))
            return answer.status
    except aiohttp.ClientError:
        return 0


async def ask_until_settled(session: aiohttp.ClientSession, gateway: str, car: Car) -> None:
    """Ask again with the same key, after each Retry-After, until the answer is a 201."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        await asyncio.sleep(car.come_back_s)
        if await ask(session, gateway, car) == 201:
            return


def rush(
    gateway: str,
    wishing: list[Car],
    *,
    after: int,
    strike: Callable[[], None],
    settle: bool = True,
    each_s: float = 0.0,
) -> int:
    """Let all cars ask; after so many answers `strike`. Returns how many were unanswered then.

    They ask `each_s` apart: requests that are sent all at once may be answered all at once too.
    """

    async def ask_in_turn(session: aiohttp.ClientSession, number: int, car: Car) -> None:
        await asyncio.sleep(number * each_s)
        await ask(session, gateway, car)

    async def run() -> int:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            first = [
                asyncio.create_task(ask_in_turn(session, number, car)) for number, car in enumerate(wishing)
            ]
            for answered, done in enumerate(asyncio.as_completed(first), start=1):
                await done
                if answered == after:
                    break
            unanswered = sum(not task.done() for task in first)
            strike()
            await asyncio.gather(*first)
            if settle:
                unsettled = [car for car in wishing if not car.session]
                await asyncio.gather(*(ask_until_settled(session, gateway, car) for car in unsettled))
            return unanswered

    return asyncio.run(run())
