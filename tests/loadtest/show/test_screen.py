"""The bars on a terminal show what counts against a limit."""

import dataclasses

from rich.console import Console

from loadtest.show.screen import drawn
from loadtest.show.snapshot import RunSnapshot
from tests.loadtest.runs import ZERO


def test_a_bar_is_as_long_as_cars_and_base_load_together() -> None:
    reading = dataclasses.replace(ZERO, load_w=11_000, base_load_w=4_000)
    snapshot = RunSnapshot(1.0, 2.0, 4, 1, 1, 0, 0, 1.0, (None, None, None), {"substation-1": reading})
    console = Console(width=120)
    with console.capture() as shown:
        console.print(drawn(snapshot))
    assert "15 of 20 kW (75%)" in shown.get()
