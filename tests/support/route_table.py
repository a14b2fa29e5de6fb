"""The console's route table as the console makes it, and an address that fits each pattern."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from admin_ui.alarms.lifecycle import Alarms
from admin_ui.alarms.rules import RULES
from admin_ui.alarms.store import AlarmStore
from admin_ui.alarms.watch import AlarmWatch
from admin_ui.app import acting_routes, routes, shown
from admin_ui.audit.log import Audit
from admin_ui.grid.board import CONSOLE, Board
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.rates import Rates
from admin_ui.orders.carry_out import Orders
from admin_ui.people.devices import Devices
from admin_ui.people.doorkeeper import Doorkeeper
from admin_ui.people.file import PeopleFile
from admin_ui.people.passwords import Passwords
from admin_ui.rush.child import LoadTest
from admin_ui.rush.control import RushHours
from admin_ui.settings import Settings
from admin_ui.web.roles import Logins
from admin_ui.web.routes import Route
from runtime.frame_stream import FrameStreams, StreamMetrics
from runtime.settings import load


def route_table(data: Path) -> list[Route]:
    """Return every route that takes a role; nobody serves them, and `data` is theirs."""
    log, board = Audit(data / "audit.sqlite"), Board()
    keeper = Doorkeeper(PeopleFile(data / "people.json"), Logins(1), log, Passwords(), Devices(data))
    streams = FrameStreams(
        lambda: shown(board, Rates(), log), CONSOLE, StreamMetrics(CollectorRegistry(), "smartgrid_console")
    )
    settings = load(Settings, {"DATA_DIR": str(data)})
    watch = AlarmWatch(Alarms(RULES), AlarmStore(data), log, lambda: shown(board, Rates(), log), settings)
    rush = RushHours(LoadTest("http://127.0.0.1:1", "http://127.0.0.1:1", data), log, None)  # type: ignore[arg-type]
    calls = GridCalls(None, "", "", None)  # type: ignore[arg-type]  # nobody calls
    acting = acting_routes(board, calls, Orders(board, calls, log))
    return [*routes(settings, board, streams, keeper, watch, rush), *acting]


def path(route: Route) -> str:
    """Return an address that fits a pattern."""
    whole = re.sub(r"\(\[0-9\][^)]*\)", "1", route.pattern)
    return re.sub(r"\([^)]*\)", "x", whole)
