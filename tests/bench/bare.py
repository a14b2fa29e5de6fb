"""`python -m tests.bench.bare PORT`: a Tornado RequestHandler that decodes a request to charge and answers 201.

It is what Python and Tornado cost alone: no check, no placement, no disk.
"""

import asyncio
import json
import sys

from tornado.web import Application, RequestHandler

ANSWER = json.dumps(
    {
        "session_id": "substation-1.0123456789abcdef",
        "substation_id": "substation-1",
        "vehicle_id": "EV-1",
        "energy_kwh": 0.1,
        "max_power_kw": 11.0,
        "power_kw": 11.0,
        "started_at": "2026-01-01T00:00:00.000Z",
        "expected_end": "2026-01-01T00:00:00.272Z",
    }
)


class Charge(RequestHandler):
    """`POST /charge`."""

    def post(self) -> None:
        """Answer with the same session, whatever comes."""
        json.loads(self.request.body)
        self.set_status(201)
        self.set_header("Content-Type", "application/json")
        self.finish(ANSWER)


class Live(RequestHandler):
    """`GET /livez`."""

    def get(self) -> None:
        """Answer."""
        self.finish("ok")


async def main(port: int) -> None:
    """Serve until the process is ended."""
    app = Application([("/charge", Charge), ("/livez", Live)], log_function=lambda _: None)
    app.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
