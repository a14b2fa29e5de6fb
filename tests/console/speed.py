"""`python -m tests.console.speed [ROUNDS]`: how soon the overview shows what happens, how soon it is there, and its frames.

On a grid of real processes and in headless Chromium, on one machine with one clock:

- from the begin of `POST /charge` until the overview shows another load of the fleet;
- from opening a one-time link in a new profile, with a click on its button, until the overview is live and has its rows;
- the gaps between the frames of the page, while cars come.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.console.browser import chromium, logged_in
from tests.console.cars import placed
from tests.console.load import GAPS, percentiles
from tests.support.grid import Grid

ROUNDS = 5
CARS = 12  # of a round
FRAMES_S = 5.0
LOAD = "document.querySelector('#totals .leading .value')"
WAIT = f"""() => {{
  const node = {LOAD};
  window.changed = new Promise((done) => new MutationObserver((_, watch) => {{
    watch.disconnect();
    requestAnimationFrame(() => done(Date.now()));
  }}).observe(node, {{ childList: true, characterData: true, subtree: true }}));
}}"""
LIVE = """() => new Promise((done) => {
  const look = () => (document.body.dataset.link === "live" && document.querySelector("table.substations tbody tr") ? done() : requestAnimationFrame(look));
  look();
})"""


def post_to_page_ms(page: Page, grid: Grid, number: int) -> float:
    """Return how long it took until the page showed the load of a new car."""
    page.evaluate(WAIT)
    began_ms = time.time() * 1000
    placed(grid, f"EV-speed-{number}", max_power_kw=11, energy_kwh=80)
    changed_ms: float = page.evaluate("() => window.changed")
    page.wait_for_timeout(100 + 37 * number % 250)  # at any moment between two frames of the balancer
    return changed_ms - began_ms


def cold_link_s(browser: Browser, grid: Grid) -> float:
    """Return how long it took from a one-time link to the live overview, in a new profile."""
    made = browser.new_context()
    page = made.new_page()
    began_s = time.monotonic()
    page.goto(grid.link())
    page.get_by_role("button", name="Log in").click()
    page.evaluate(LIVE)
    took_s = time.monotonic() - began_s
    made.close()
    return took_s


def measured(folder: Path, rounds: int) -> None:
    """Print all of it."""
    grid = Grid(folder)
    grid.start()
    try:
        with chromium() as browser:
            cold_link_s(browser, grid)  # the first one starts the browser's processes
            cold = [cold_link_s(browser, grid) for _ in range(rounds)]
            with logged_in(browser, grid.link(), "/") as page:
                page.evaluate(LIVE)
                shown = [post_to_page_ms(page, grid, number) for number in range(rounds * CARS)]
                found: dict[str, Any] = page.evaluate(GAPS, FRAMES_S)
    finally:
        grid.stop()
    print(f"POST to page     {percentiles(shown)} of {len(shown)}")
    print(f"cold link        median {statistics.median(cold):.2f} s, least {min(cold):.2f} s of {len(cold)}")
    print(f"frames           {len(found['gaps']) / FRAMES_S:.1f} a second; gaps {percentiles(found['gaps'])}")


def main() -> None:
    """Measure with the rounds that are given."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as data:
        measured(Path(data), rounds)


if __name__ == "__main__":
    main()
