"""What a browser makes of the frames is what the console shows: the page's own script, fed in the page."""

import copy
import random
from typing import Any

from playwright.sync_api import Browser

from admin_ui.grid.board import CONSOLE
from tests.console.browser import logged_in
from tests.support.frames import Client
from tests.support.lone_console import LoneConsole
from tests.unit.runtime.test_changes import fleet, member, without_ages

STEPS = 200
APPLY = """async (frames) => {
  const { applied } = await import(script("lib/stream.js"));
  let state = null;
  return frames.map((frame) => frame ? structuredClone(state = applied(state, frame)) : state);
}"""


def view(rng: random.Random) -> dict[str, Any]:
    names = sorted(rng.sample(["s-1", "s-2", "s-3", "s-4"], rng.randint(0, 4)))
    rows = [member(name, rng.choice([0.0, 1.5]), rng.choice([0.1, 0.9])) for name in names]
    return fleet(*rows, policy=rng.choice(["a", "b"]))


def test_a_browser_puts_the_frames_together_to_what_is_shown(browser: Browser, few: LoneConsole) -> None:
    rng, feed, now_s = random.Random(1), Client(CONSOLE), 0.0
    views, frames = list[dict[str, Any]](), list[dict[str, Any] | None]()
    for _ in range(STEPS):
        now_s += rng.choice([0.25, 1.0])
        views.append(copy.deepcopy(views[-1]) if views and rng.random() < 0.3 else view(rng))
        frames.append(feed.next(views[-1], now_s))
    with logged_in(browser, few.link(), "/login") as page:
        states = page.evaluate(APPLY, frames)
    assert {frame["kind"] for frame in frames if frame} == {"snapshot", "changes", "heartbeat"}
    for shown, frame, state in zip(views, frames, states, strict=True):
        assert without_ages(state) == without_ages(shown)
        if frame and CONSOLE.age in frame:
            assert state == shown
