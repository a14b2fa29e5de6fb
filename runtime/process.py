"""One service process: settings, logs, signals, and an orderly end within ten seconds."""

import asyncio
import contextlib
import dataclasses
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import uvloop

from runtime import logs
from runtime.settings import SettingsError, integer, load, matching, setting
from runtime.steady_loop import SteadyLoop
from runtime.store import StoreFull, StoreUnusable

log = logging.getLogger(__name__)

STOP_WITHIN_S = 9.0  # a container engine sends SIGKILL after ten seconds
PARENT_CHECK_S = 0.5
CANNOT_START = 1
BAD_SETTINGS = 2
# Collect after so many new objects, and the older generations after so many collections of the one before.
GARBAGE_THRESHOLDS = (10_000, 20, 50)
OWN_ONLY = 0o077  # files of a service name vehicles and people

S = TypeVar("S")


@dataclasses.dataclass(frozen=True)
class ProcessSettings:
    """The settings that every service reads."""

    log_level: str = setting(
        "LOG_LEVEL",
        "info",
        matching("debug|info|warning|error", "debug, info, warning or error"),
        "how much is logged",
    )
    exit_with_parent: int = setting(
        "EXIT_WITH_PARENT", "0", integer(0, 1), "1 ends this process when the one that started it is gone"
    )


class CannotStartError(Exception):
    """The service lacks something that it needs: a port, its data, room on the disk."""


def run(name: str, cls: type[S], service: Callable[[S], AbstractAsyncContextManager[None]]) -> None:
    """Run `service` until SIGTERM or SIGINT.

    Exits with 2 and all faults when the settings are wrong, and with 1 and one line when the service can't start.

    `service` is an async context manager: it serves once it is entered, and has stopped once it is left.
    """
    try:
        frame = load(ProcessSettings, os.environ)
        settings = load(cls, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{name} can't start:\n" + "".join(f"  - {fault}\n" for fault in error.faults))
        sys.exit(BAD_SETTINGS)
    os.umask(OWN_ONLY)
    lines = logs.start(name, frame.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(name, service(settings), lines, watch_parent=bool(frame.exit_with_parent)))
    except CannotStartError as error:
        sys.stderr.write(f"{name} can't start: {error}\n")
        sys.exit(CANNOT_START)


async def _serve(
    name: str, service: AbstractAsyncContextManager[None], lines: logs.LimitedLines, *, watch_parent: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    SteadyLoop()  # Tornado keeps it
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        if not await _started(service, stack, stop):
            log.info("%s was stopped before it served", name)
            return
        _collect_less()
        log.info("%s is serving", name, extra={"pid": os.getpid()})
        parent = asyncio.create_task(_parent_gone(stop)) if watch_parent else None
        left_out = asyncio.create_task(_log_left_out(lines))
        await stop.wait()
        log.info("%s is stopping", name)
        began = time.monotonic()
        loop.call_later(STOP_WITHIN_S, os._exit, 1)
        left_out.cancel()
        if parent:
            parent.cancel()
    log.info("%s has stopped", name, extra={"took_s": round(time.monotonic() - began, 3)})
    lines.write_left_out(ending=True)


async def _started(
    service: AbstractAsyncContextManager[None], stack: contextlib.AsyncExitStack, stop: asyncio.Event
) -> bool:
    """Start the service; returns False when `stop` was set meanwhile: one that waits for its database waits for long."""
    starting = this = asyncio.current_task()
    stopped = asyncio.create_task(stop.wait())
    stopped.add_done_callback(lambda _: starting.cancel() if starting and stop.is_set() else None)
    try:
        await stack.enter_async_context(service)
    except (StoreFull, StoreUnusable, OSError) as error:
        raise CannotStartError(str(error)) from error
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        if this:
            this.uncancel()
        return False
    finally:
        starting = None
        stopped.cancel()
    return True


def _collect_less() -> None:
    """Look for garbage less often, and not among what the start has left (docs/adr/0025).

    A service makes hardly any reference cycles, and what it keeps, such as open sessions, is kept for long. Until now, since
    before its imports, there was no collection at all: a start would have made dozens.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()


async def _log_left_out(lines: logs.LimitedLines) -> None:
    """Log how many lines were left out, also when nothing else is logged."""
    while True:
        await asyncio.sleep(logs.INTERVAL_S)
        lines.write_left_out()


async def _parent_gone(stop: asyncio.Event) -> None:
    """Set `stop` when this process was handed to another parent: its supervisor was killed."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the system tells nobody
        await asyncio.sleep(PARENT_CHECK_S)
    log.warning("the process that started this one is gone")
    stop.set()
