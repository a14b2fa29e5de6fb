"""`python -m tests.bench.open_loop URL RATE SECONDS`: requests at planned times, whether answers come or not.

A client that waits for an answer before it sends again hides the time for which a server stood still. Here the
latency of a request counts from the time for which it was planned. Prints JSON: percentiles in milliseconds, how late
requests were sent (the generator's own fault), and what was not answered with 201.
"""

import asyncio
import collections
import json
import random
import sys
import time
import urllib.parse
from typing import cast

import uvloop

WAIT_S = 10.0  # for the last answers
MS_PER_S = 1000
SEED = 7


class Connection(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self, idle: "collections.deque[Connection]") -> None:
        self._idle = idle
        self._answer: asyncio.Future[int] | None = None
        self.head = b""  # of the last answer
        self._buffer = b""
        self._transport: asyncio.Transport

    @property
    def open(self) -> bool:
        """Whether it can be used again."""
        return not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read until the answer is complete."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or not self._answer:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._buffer = b""
            self.head = head
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        """Fail the request that has no answer yet."""
        if self._answer and not self._answer.done():
            self._answer.set_result(0)

    async def ask(self, request: bytes) -> int:
        """Send a request; returns the status of its answer, 0 when the connection was lost."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        status = await self._answer
        if status:
            self._idle.append(self)
        return status


async def main(url: str, rate: float, seconds: float) -> dict[str, object]:
    """Send as planned, and return what was measured."""
    where = urllib.parse.urlsplit(url)
    host, port = where.hostname or "", where.port or 0
    loop = asyncio.get_running_loop()
    idle: collections.deque[Connection] = collections.deque()
    plan = random.Random(SEED)
    latencies: list[float] = []
    late: list[float] = []
    statuses: collections.Counter[int] = collections.Counter()

    async def one(number: int, due_s: float) -> None:
        late.append(time.perf_counter() - due_s)
        if idle:
            connection = idle.pop()
        else:
            _, connection = await loop.create_connection(lambda: Connection(idle), host, port)
        statuses[await connection.ask(request(number, where.netloc))] += 1
        latencies.append(time.perf_counter() - due_s)

    began_s = due_s = time.perf_counter()
    running: set[asyncio.Task[None]] = set()
    number = 0
    while (due_s := due_s + plan.expovariate(rate)) < began_s + seconds:
        if (ahead_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(ahead_s)
        number += 1
        task = asyncio.create_task(one(number, due_s))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(set(running), timeout=WAIT_S)
    return {
        "sent": number,
        "not_201": number - statuses[201],
        "p50_ms": percentile(latencies, 0.5),
        "p99_ms": percentile(latencies, 0.99),
        "late_p99_ms": percentile(late, 0.99),
    }


def request(number: int, host: str) -> bytes:
    """Return one request to charge."""
    body = json.dumps({"vehicle_id": f"EV-{number}", "energy_kwh": 0.1, "max_power_kw": 11}).encode()
    head = f"POST /charge HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def percentile(values: list[float], share: float) -> float:
    """Return the nearest rank in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] * MS_PER_S


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))))
