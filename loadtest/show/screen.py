"""Shows a run on standard output: live bars on a terminal, one plain line every few seconds elsewhere."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.show.snapshot import RunSnapshot
from loadtest.units import W_PER_KW

LIVE_EVERY_S = 0.25
PLAIN_EVERY_S = 5.0
PLAIN_WIDTH = 140  # of a table that goes into a file
BAR_WIDTH = 40


class Screen(Protocol):
    """Where progress is shown."""

    console: Console

    def say(self, text: str) -> None:
        """Show one line before or after the sending."""

    def clear(self) -> None:
        """Take away what `say` has shown: the run begins or has ended."""

    async def follow(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Show `snapshot` again and again until cancelled."""


class PlainScreen:
    """One line every few seconds, for a log or a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._printed_s = -PLAIN_EVERY_S

    def say(self, text: str) -> None:
        """Print `text`, at most once in PLAIN_EVERY_S."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._printed_s >= PLAIN_EVERY_S:
            self._printed_s = now_s
            self._line(text)

    def clear(self) -> None:
        """Leave the lines where they are."""

    async def follow(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Print a line every PLAIN_EVERY_S."""
        while True:
            await asyncio.sleep(PLAIN_EVERY_S)
            now = snapshot()
            loads = ", ".join(f"{each} {r.utilization:.0%}" for each, r in now.readings.items())
            self._line(f"{now.elapsed_s:.0f} of {now.seconds:g} s: {now.counts()}; load: {loads}")

    def _line(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, markup=False, highlight=False)


class LiveScreen:
    """Bars that move, for a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status = console.status("")

    def say(self, text: str) -> None:
        """Show `text` in place of the line before."""
        self._status.update(Text(text))
        self._status.start()

    def clear(self) -> None:
        """Take the last line away."""
        self._status.stop()

    async def follow(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Redraw every LIVE_EVERY_S, and a last time when cancelled."""
        with Live(console=self.console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(drawn(snapshot()), refresh=True)
                    await asyncio.sleep(LIVE_EVERY_S)
            finally:
                live.update(drawn(snapshot()), refresh=True)


def drawn(snapshot: RunSnapshot) -> Group:
    """Draw a snapshot: the run with the time left, the counts, each substation's load and base load against its limit."""
    bars = Table.grid(padding=(0, 1))
    left_s = max(snapshot.seconds - snapshot.elapsed_s, 0)
    eta = f"{left_s:.0f} s left" if left_s else "waiting for the last answers"
    bars.add_row("arrivals", _bar(snapshot.elapsed_s, snapshot.seconds), eta)
    for substation_id, reading in snapshot.readings.items():
        figures = f"{reading.carried_w / W_PER_KW:.0f} of {reading.capacity_w / W_PER_KW:.0f} kW"
        bars.add_row(
            Text(substation_id),
            _bar(reading.carried_w, reading.capacity_w),
            f"{figures} ({reading.utilization:.0%})",
        )
    return Group(bars, Text(snapshot.counts()))


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(
        total=total,
        completed=min(done, total),
        width=BAR_WIDTH,
        complete_style="default",
        finished_style="default",
    )


class NoScreen:
    """Shows nothing: a program reads the lines of progress instead."""

    def __init__(self) -> None:
        self.console = Console(quiet=True)

    def say(self, text: str) -> None:
        """Show nothing."""

    def clear(self) -> None:
        """Show nothing."""

    async def follow(self, snapshot: Callable[[], RunSnapshot]) -> None:
        """Show nothing."""


class PipedConsole(Console):
    """Calls `closed` when nobody reads any more, where Rich would end the program."""

    def __init__(self, closed: Callable[[], None], width: int | None = None) -> None:
        super().__init__(width=width)
        self._on_closed = closed

    def on_broken_pipe(self) -> None:
        """Write nothing more, and stop the run."""
        with contextlib.suppress(SystemExit):
            super().on_broken_pipe()
        self._on_closed()


def screen(closed: Callable[[], None]) -> Screen:
    """Return the screen that fits standard output; `closed` is called when nobody reads it any more."""
    if Console().is_terminal:
        return LiveScreen(PipedConsole(closed))
    return PlainScreen(PipedConsole(closed, PLAIN_WIDTH))
