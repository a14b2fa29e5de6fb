"""`python -m tests.bench.durable PORT FOLDER ID`: a substation that takes `POST /charge` over HTTP itself.

The peers stand before three of these. The ledger, the journal and its commits are those of this project; what
is left out is all that the gateway and the balancer do: checks, keys, quotas, choosing, metrics and logs.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from prometheus_client import CollectorRegistry
from tornado.web import Application, RequestHandler

from balancer.placing.walks import keyless_key
from substation.clock import GridClock
from substation.contract import Place, SubstationOutcome
from substation.journal import Journal
from substation.metrics import WriterMetrics
from substation.plan import Plan
from substation.station import Station
from substation.writer import Request

J_PER_KWH = 3_600_000
CAPACITY_W = 1_000_000_000
TIME_SCALE = 120


class Charge(RequestHandler):
    """`POST /charge`."""

    def initialize(self, station: Station) -> None:
        """`station` decides."""
        self.station = station

    async def post(self) -> None:
        """Place the car; 201 once that is on the disk."""
        body = json.loads(self.request.body)
        plan = Plan(round(body["energy_kwh"] * J_PER_KWH), round(body["max_power_kw"] * 1000), 0)
        place = Place("", keyless_key(time.time_ns() // 1000), 0, body["vehicle_id"], plan)
        answer = await self.station.ask(Request(place))
        if answer.outcome is not SubstationOutcome.PLACED or not answer.session:
            self.set_status(503)
            self.finish("{}")
            return
        session = answer.session
        self.set_status(201)
        self.set_header("Content-Type", "application/json")
        self.finish(
            {
                "session_id": session.session_id,
                "substation_id": session.substation_id,
                "vehicle_id": session.vehicle_id,
                "started_at": session.started_unix_ms,
                "expected_end": session.expected_end_unix_ms,
            }
        )


class Live(RequestHandler):
    """`GET /livez`."""

    def get(self) -> None:
        """Answer."""
        self.finish("ok")


async def main(port: int, folder: Path, substation_id: str) -> None:
    """Serve until the process is ended."""
    unix_ms = int(time.time() * 1000)
    journal = Journal(folder / "journal.sqlite", substation_id, unix_ms)
    clock = GridClock.resume(journal.station().moment, unix_ms, time.monotonic(), TIME_SCALE)
    station = Station(journal, CAPACITY_W, clock, WriterMetrics(CollectorRegistry(), substation_id))
    app = Application(
        [("/charge", Charge, {"station": station}), ("/livez", Live)], log_function=lambda _: None
    )
    app.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    where = Path(sys.argv[2])
    where.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(int(sys.argv[1]), where, sys.argv[3]))
