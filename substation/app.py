"""Wires a substation: journal, writer, stream and pages."""

import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry
from tornado.web import Application

from runtime import exposition, health, http, operator_token, stream_server
from runtime.gate import Gate
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics
from runtime.tls.expiry import OWN, show_expiry
from runtime.tls.guard import guarded
from runtime.tls.identity import Role
from substation.base_load.calendar import GridCalendar
from substation.base_load.sources import BaseLoad
from substation.clock import GridClock
from substation.ended_pages import EndedPages
from substation.handlers import (
    BackupHandler,
    BaseLoadHandler,
    EndedSessionsHandler,
    OpenSessionsHandler,
    SessionsHandler,
)
from substation.identity import Slot, take_slot
from substation.journal import Journal
from substation.metrics import EnergyCollector, ReportCollector, WriterMetrics
from substation.settings import Settings
from substation.station import Station
from substation.stream import SubstationService
from substation.writer import Request


@asynccontextmanager
async def substation(settings: Settings) -> AsyncIterator[None]:
    """Serve one substation while the context lasts.

    Raises StoreUnusable when its journal can't be used, OSError when a port is taken.
    """
    async with AsyncExitStack() as stack:
        token = operator_token.read_if_any(settings.operator_token)
        slot = take_slot(settings.data, settings.substation_id)
        stack.callback(slot.release)
        tls = settings.credentials(Role.SUBSTATION, slot.substation_id)
        guard = guarded(tls)
        unix_ms = int(time.time() * 1000)
        journal = _journal(slot, unix_ms, accept_loss=bool(settings.accept_loss))
        stack.callback(journal.close)
        known = journal.station()
        carried = settings.base_load_of(slot.substation_id, known.base_load_w)
        registry = await stack.enter_async_context(exposition.measured("substation"))
        station = opened_station(journal, settings, carried, registry)
        stack.push_async_callback(station.close)
        # What was resumed stays: the garbage collector needs 0.3 s to look through 100,000 sessions, and finds nothing.
        gc.freeze()
        service = SubstationService(station)
        stream_port = await stack.enter_async_context(
            stream_server.listen(service, settings.bind, settings.stream_port, token=token, tls=guard)
        )
        stream_address = f":{stream_port}"  # on the host where /metrics is
        show_expiry(registry, OWN, tls)
        registry.register(ReportCollector(station, slot.substation_id, stream_address))
        registry.register(EnergyCollector(station, slot.substation_id))
        app = _pages(station, slot.folder / "backups", settings, registry)
        HttpMetrics(registry, app)
        gate = Gate(settings.allowed_hosts, token=token, guard=guard)
        await stack.enter_async_context(http.listen(app, settings.bind, settings.http_port, gate=gate))
        yield
        await station.close()  # commits finish, and are answered, before the stream goes


def _journal(slot: Slot, unix_ms: int, *, accept_loss: bool) -> Journal:
    """Open the journal of a substation; it is checked later, by Station."""
    path = slot.folder / "journal.sqlite"
    return Journal(path, slot.substation_id, unix_ms, accept_loss=accept_loss, check_later=True)


def opened_station(
    journal: Journal, settings: Settings, base_load: BaseLoad, registry: CollectorRegistry
) -> Station:
    """Return the station of a journal, whose clock goes on from what is stored. It lacks only listeners."""
    known, machine = journal.station(), journal.machine
    unix_ms, now_s = int(machine.unix_s() * 1000), machine.monotonic_s()
    clock = GridClock.resume(known.moment, unix_ms, now_s, settings.time_scale, settings.day_starts_ms)
    metrics = WriterMetrics(registry, known.substation_id)
    return Station(journal, settings.capacity_w, clock, metrics, base_load, settings.outlook)


def _pages(station: Station, backups: Path, settings: Settings, registry: CollectorRegistry) -> Application:
    """Return the routes; `backups` is the folder of copies."""
    calendar = GridCalendar(settings.day_starts_ms)
    ended = EndedPages(lambda query: station.ask(Request(query)), station.substation_id)
    return Application(
        [
            ("/sessions", SessionsHandler, {"station": station}),
            ("/sessions/open", OpenSessionsHandler, {"pages": station.open_pages}),
            ("/sessions/ended", EndedSessionsHandler, {"pages": ended}),
            ("/base-load", BaseLoadHandler, {"station": station, "calendar": calendar}),
            ("/backup", BackupHandler, {"station": station, "folder": backups, "most": settings.backups}),
            ("/metrics", exposition.MetricsHandler, {"registry": registry}),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": station.waiting_for}),
        ],
        default_handler_class=NotFoundHandler,
    )
