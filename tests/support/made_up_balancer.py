"""`python -m tests.support.made_up_balancer PORT COUNT`: the stream of an invented fleet.

It speaks `/fleet/stream` with the balancer's own frames. All of its COUNT rows change all the time, as in
a rush hour; each hundredth is in a state that is not normal.
"""

import asyncio
import math
import sys
import time
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from balancer.contract import FLEET
from runtime import http
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics

HOST = "127.0.0.1"
CAPACITY_KW = 1400.0
STATES = ("ejected", "suspect", "probing", "gone")
PERIOD_S = 120.0  # of the rise and fall of a load


def fleet(count: int, now_s: float) -> dict[str, Any]:
    """Return the view of a moment."""
    return {
        "policy": "least_loaded",
        "poll_s": 1.0,
        FLEET.rows: [row(number, now_s) for number in range(1, count + 1)],
        "unseen": [] if count else ["http://127.0.0.1:8101"],
    }


def row(number: int, now_s: float) -> dict[str, Any]:
    """Return one substation."""
    load_kw = CAPACITY_KW * (0.45 + 0.4 * math.sin(2 * math.pi * now_s / PERIOD_S + number))
    return {
        "substation_id": f"substation-{number}",
        "url": f"http://127.0.{number // 250}.{number % 250}:1",  # where nobody answers
        "state": "healthy" if number % 100 else STATES[number // 100 % len(STATES)],
        "draining": number % 100 == 50,
        "capacity_kw": CAPACITY_KW,
        "load_kw": round(load_kw, 3),
        "headroom_kw": round(CAPACITY_KW - load_kw, 3),
        "utilization": round(load_kw / CAPACITY_KW, 4),
        "sessions": round(load_kw / 11),
        FLEET.age: round((now_s + number / 97) % 1.0, 3),
        "journal_id": f"{number:016x}",
    }


async def serve(port: int, count: int) -> None:
    """Serve until the process is ended."""
    streams = FrameStreams(
        lambda: fleet(count, time.time()), FLEET, StreamMetrics(CollectorRegistry(), "smartgrid_balancer")
    )
    app = Application([("/fleet/stream", FrameStreamHandler, {"streams": streams})])
    async with http.listen(app, HOST, port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
