"""One grid of real processes and one browser for the console's tests, and a page that is logged in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import CHROMIUM, GRAFANA, chromium, visit
from tests.support.grid import Grid


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser for one module, not for the session: its event loop blocks the loops of other tests."""
    if not CHROMIUM:
        pytest.skip("no Chromium: install the package chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A grid for the tests of one module; a test that breaks it must repair it."""
    made = Grid(tmp_path_factory.mktemp("grid"), GRAFANA_URL=GRAFANA)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The overview, logged in as the operator of this machine."""
    with visit(browser, grid.link()) as opened:
        yield opened
