"""What the console's tests share: a browser, a grid of real processes, a lone console, and a page that is logged in.

The files that share are one group of `tests/order.py`, so that one worker starts these once.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import CHROMIUM, GRAFANA, chromium, logged_in
from tests.console.cars import all_leave
from tests.support.grid import Grid
from tests.support.lone_console import LoneConsole, console

METERS = {"BASE_LOAD": "meter", "BASE_LOAD_METER_S": "86400", "BASE_LOAD_KW": "0", "CAPACITY_KW": "1400"}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser for these tests, not for the session: its event loop blocks the loops of other tests."""
    if not CHROMIUM:
        pytest.skip("no Chromium: install the package chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def shared_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A grid with its default settings. Its meters read 0 kW until a test sends another reading."""
    made = Grid(tmp_path_factory.mktemp("grid"), GRAFANA_URL=GRAFANA, **METERS)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def grid(shared_grid: Grid) -> Iterator[Grid]:
    """The shared grid, on which no car charges at the begin of a module; a test that breaks it must repair it."""
    yield shared_grid
    all_leave(shared_grid)


@pytest.fixture(scope="package")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneConsole]:
    """A console before a dozen made-up substations, which no test changes."""
    with console(tmp_path_factory.mktemp("few"), 12) as made:
        yield made


@pytest.fixture
def page(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The overview, logged in as the operator of this machine."""
    with logged_in(browser, grid.link(), "/") as opened:
        yield opened
