"""`python -m tests.overload.sending PLAN`: requests of one caller, as JSON says; prints what became of them as JSON.

An open loop sends at planned times, whether answers come or not, and counts latency from the planned time. A closed loop
sends again as soon as it has an answer.
"""

import asyncio
import collections
import dataclasses
import json
import random
import re
import subprocess
import sys
import time
import urllib.parse
from typing import Any

import uvloop

from tests.bench.open_loop import Connection, percentile
from tests.support.grid import ROOT

RETRY_AFTER = re.compile(rb"\r\nretry-after: (\d+)", re.IGNORECASE)
WAIT_S = 30.0  # for the last answers


@dataclasses.dataclass(frozen=True)
class Plan:
    """Who sends what. Without `rate`, it is a closed loop of `clients`; `returns` is how often a refused car comes back."""

    url: str
    seconds: float
    rate: float = 0.0
    clients: int = 0
    energy_kwh: float = 2.5
    key: str = ""  # an API key
    name: str = "car"
    address: str = "127.0.0.1"
    returns: int = 0


@dataclasses.dataclass
class Sent:
    """What became of the requests: how many cars there were, answers by status, latencies in ms by status."""

    cars: int = 0
    statuses: dict[str, int] = dataclasses.field(default_factory=dict)
    p50_ms: dict[str, float] = dataclasses.field(default_factory=dict)
    p99_ms: dict[str, float] = dataclasses.field(default_factory=dict)
    late_p99_ms: float = 0.0
    uninvited: int = 0  # answers other than 201 without a Retry-After
    started_unix_s: float = 0.0

    @property
    def requests(self) -> int:
        """How many requests were answered or lost."""
        return sum(self.statuses.values())


def begin(plan: Plan) -> "subprocess.Popen[str]":
    """Start to send, from a process of its own."""
    command = [sys.executable, "-m", "tests.overload.sending", json.dumps(dataclasses.asdict(plan))]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ended(sending: "subprocess.Popen[str]") -> Sent:
    """Wait for the end of what was begun."""
    said, _ = sending.communicate()
    assert sending.returncode == 0
    return Sent(**json.loads(said))


class Sender:
    """Sends by a plan, over connections that are used again."""

    def __init__(self, plan: Plan) -> None:
        where = urllib.parse.urlsplit(plan.url)
        self._plan = plan
        self._host, self._port = where.hostname or "", where.port or 0
        self._idle: collections.deque[Connection] = collections.deque()
        self._taken: collections.defaultdict[int, list[float]] = collections.defaultdict(list)
        self._late: list[float] = []
        self._uninvited = 0
        key = f"Authorization: Bearer {plan.key}\r\n" if plan.key else ""
        self._head = (
            f"POST /charge HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n{key}"
            "Content-Length: "
        ).encode()

    async def run(self) -> Sent:
        """Send until the plan ends."""
        began_unix_s = time.time()
        cars = await (self._open() if self._plan.rate else self._closed())
        return Sent(
            cars,
            {str(status): len(taken) for status, taken in sorted(self._taken.items())},
            {str(status): percentile(taken, 0.5) for status, taken in self._taken.items()},
            {str(status): percentile(taken, 0.99) for status, taken in self._taken.items()},
            percentile(self._late, 0.99) if self._late else 0.0,
            self._uninvited,
            began_unix_s,
        )

    async def _open(self) -> int:
        draw = random.Random(self._plan.name)
        began_s = due_s = time.perf_counter()
        running: set[asyncio.Task[None]] = set()
        number = 0
        while (due_s := due_s + draw.expovariate(self._plan.rate)) < began_s + self._plan.seconds:
            if (ahead_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(ahead_s)
            number += 1
            task = asyncio.create_task(self._car(number, due_s))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(set(running), timeout=WAIT_S)
        return number

    async def _car(self, number: int, due_s: float) -> None:
        """Send one car's request, and again when it was told to come back."""
        end_s = due_s + self._plan.seconds
        for _ in range(1 + self._plan.returns):
            self._late.append(time.perf_counter() - due_s)
            status, again_s = await self._ask(number, due_s)
            if status == 201 or again_s is None or (due_s := time.perf_counter() + again_s) > end_s:
                return
            await asyncio.sleep(again_s)

    async def _closed(self) -> int:
        end_s = time.perf_counter() + self._plan.seconds
        numbers = iter(range(1_000_000_000))

        async def client() -> None:
            while time.perf_counter() < end_s:
                status, _ = await self._ask(next(numbers), time.perf_counter())
                if not status:
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(client() for _ in range(self._plan.clients)))
        return next(numbers)

    async def _ask(self, number: int, due_s: float) -> tuple[int, float | None]:
        """Send one request; returns its status, 0 for none, and after how many seconds to come back."""
        body = json.dumps(
            {
                "vehicle_id": f"{self._plan.name}-{number}",
                "energy_kwh": self._plan.energy_kwh,
                "max_power_kw": 11,
            }
        ).encode()
        status, again_s = 0, None
        try:
            connection = self._kept() or await self._connect()
            status = await connection.ask(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))
            found = RETRY_AFTER.search(connection.head) if status else None
            again_s = float(found[1]) if found else None
        except OSError:
            pass
        self._taken[status].append(time.perf_counter() - due_s)
        self._uninvited += status != 201 and again_s is None
        return status, again_s

    def _kept(self) -> Connection | None:
        """Return a connection that was used and is still open."""
        while self._idle:
            if (connection := self._idle.pop()).open:
                return connection
        return None

    async def _connect(self) -> Connection:
        _, made = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._idle), self._host, self._port, local_addr=(self._plan.address, 0)
        )
        return made


async def main(plan: dict[str, Any]) -> dict[str, Any]:
    """Send; returns what is printed."""
    return dataclasses.asdict(await Sender(Plan(**plan)).run())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(main(json.loads(sys.argv[1])))))
