"""`/energy`: the energy that was delivered by day, and as a file by the hour or the day."""

import datetime as dt
import time
from typing import Any

from jinja2 import Environment
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from admin_ui.energy.meter import DAY_S, HOUR_S
from admin_ui.energy.store import KEPT_S, EnergyStore
from admin_ui.grid.kept_file import FileUnavailable
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import PageHandler
from admin_ui.web.routes import Route
from runtime.csv_text import BYTE_ORDER_MARK, inert, line
from runtime.problem import UNAVAILABLE

SPANS = {"7": "7 days", "31": "31 days", "400": "400 days"}  # by the number of days
MOST_LISTED = 100  # substations of the page; the file has all
STEPS = {"day": DAY_S, "hour": HOUR_S}
COLUMNS = ("from", "substation", "energy_kwh")


class EnergyPage(PageHandler):
    """`GET /energy?days=`: energy by day of the fleet, and of each substation."""

    def setup(self, environment: Environment, store: EnergyStore, **more: Any) -> None:  # type: ignore[override]
        """`store` has the energy."""
        super().setup(environment, **more)
        self._store = store

    async def get(self) -> None:
        """Write the page."""
        days = self.get_query_argument("days", "7")
        if days not in SPANS:
            raise HTTPError(400, f"days: one of {', '.join(SPANS)} is accepted")
        today_s = int(time.time()) // DAY_S * DAY_S
        since_s = today_s - (int(days) - 1) * DAY_S
        try:
            fleet = await self._store.fleet(DAY_S, since_s)
            listed, count = await self._store.highest(DAY_S, since_s, MOST_LISTED)
            today = dict(await self._store.of_step(DAY_S, today_s))
            before = dict(await self._store.of_step(DAY_S, today_s - DAY_S))
        except FileUnavailable as error:
            self.write_problem(UNAVAILABLE, detail=f"Delivered energy can't be read: {error}.")
            return
        highest = max((kwh for _, kwh in fleet), default=0.0) or 1.0
        self.show(
            "energy/energy.html",
            spans=SPANS,
            days=days,
            total_kwh=sum(kwh for _, kwh in fleet),
            fleet=[(_day(at_s), kwh, round(100 * kwh / highest, 1)) for at_s, kwh in reversed(fleet)],
            today=_day(today_s),
            substations=[(name, today.get(name), before.get(name), kwh) for name, kwh in listed],
            count=count,
            as_of=dt.datetime.fromtimestamp(time.time(), dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        )


class EnergyExport(ConsoleHandler):
    """`GET /energy/export?step=`: a CSV file with a line for each substation and `day` (UTC) or `hour`, oldest first."""

    def setup(self, store: EnergyStore) -> None:  # type: ignore[override]
        """`store` has the energy."""
        self._store = store

    async def get(self) -> None:
        """Write the file, step by step."""
        step = self.get_query_argument("step", "day")
        if step not in STEPS:
            raise HTTPError(400, f"step: one of {', '.join(STEPS)} is accepted")
        step_s = STEPS[step]
        try:
            steps = await self._store.fleet(step_s, int(time.time()) - KEPT_S[step_s])
            self.set_header("Content-Disposition", f'attachment; filename="energy-by-{step}.csv"')
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.write(BYTE_ORDER_MARK + line(COLUMNS))
            for at_s, _ in steps:
                for name, kwh in await self._store.of_step(step_s, at_s):
                    self.write(line((_iso(at_s), inert(name), f"{kwh:.3f}")))
                await self.flush()
        except FileUnavailable as error:
            if not self._headers_written:
                self.write_problem(UNAVAILABLE, detail=f"Delivered energy can't be read: {error}.")
        except StreamClosedError:
            return  # the client has gone


def routes(store: EnergyStore, environment: Environment) -> list[Route]:
    """Return the routes of the energy."""
    page = {"environment": environment, "store": store, "here": "energy"}
    return [
        Route("/energy", EnergyPage, Role.VIEWER, page, page=True),
        Route("/energy/export", EnergyExport, Role.VIEWER, {"store": store}),
    ]


def _day(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%d")


def _iso(at_s: int) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
