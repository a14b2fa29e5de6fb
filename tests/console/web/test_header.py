"""The header at the widths of screens: whatever the alarms say, it keeps its height and shows who is logged in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import logged_in
from tests.support.lone_console import LoneConsole

MANY = [
    "■ 2 critical",
    "▲ 13 warnings",
    "○ 5 cleared, not acknowledged",
    "2 warnings muted",
    "? others unknown",
]
CLEARED = ["○ 1 cleared, not acknowledged", "1 mute in force", "? others unknown"]
HIGHEST_PX = 64
# What the badge says and how the link is, and at once where the header's parts are: the next update changes it.
MEASURE = """async ([parts, link]) => {
  const { say } = await import(script("alarms/badge.js"));
  const [badge, state, header] = ["#alarm-badge", "#link-state", "header.top"].map((each) => document.querySelector(each));
  say(badge, parts);
  state.dataset.state = link;
  const shown = [...header.querySelectorAll("nav a, .brand, .alarm-badge, .logout > *")].filter((each) => each.checkVisibility());
  const middle = (each) => { const { top, bottom } = each.getBoundingClientRect(); return Math.round((top + bottom) / 2); };
  return {
    height: header.getBoundingClientRect().height,
    wider: header.scrollWidth - header.clientWidth,
    lines: new Set(shown.map(middle).map((y) => Math.round(y / 10))).size,
    cut: badge.scrollWidth - badge.clientWidth,
    said: badge.textContent,
    badge: badge.getBoundingClientRect().height,
  };
}"""

LINES = """(each) => {
  const text = document.createRange();
  text.selectNodeContents(each);
  return text.getClientRects().length;
}"""


@pytest.fixture
def page(browser: Browser, few: LoneConsole) -> Iterator[Page]:
    with logged_in(browser, few.link(), "/decisions") as opened:
        expect(opened.locator("body")).to_have_attribute("data-link", "live")
        yield opened


@pytest.mark.parametrize("parts", [MANY, CLEARED], ids=["many", "cleared"])
def test_on_a_desk_the_header_is_one_line_also_beside_a_lost_link(page: Page, parts: list[str]) -> None:
    for width in (1200, 1280, 1920, 3840):
        page.set_viewport_size({"width": width, "height": 800})
        live = page.evaluate(MEASURE, [parts, "live"])
        assert live["wider"] <= 0, (width, live)
        assert live["lines"] == 1, (width, live)
        scale = page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16")
        assert live["height"] < HIGHEST_PX * scale, (width, live)
        lost = page.evaluate(MEASURE, [parts, "lost"])
        assert lost["lines"] == 1, (width, lost)


@pytest.mark.parametrize("parts", [MANY, CLEARED], ids=["many", "cleared"])
def test_on_a_phone_the_badge_is_one_line_that_is_not_cut(page: Page, parts: list[str]) -> None:
    for width in (360, 390):
        page.set_viewport_size({"width": width, "height": 800})
        found = page.evaluate(MEASURE, [parts, "live"])
        assert found["height"] < HIGHEST_PX, (width, found)
        assert found["wider"] <= 0, (width, found)
        assert found["cut"] <= 0, (width, found)
        assert found["badge"] <= 46, (width, found)
        assert found["said"] == " · ".join(parts)  # all the words for who listens


def test_on_a_phone_the_names_of_pages_are_one_line(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(page.url.replace("/decisions", "/rush-hour"))
    for link in page.get_by_role("navigation", name="Pages").get_by_role("link").all():
        box = link.bounding_box()
        assert box
        assert box["height"] < HIGHEST_PX
        assert link.evaluate(LINES) == 1, link.text_content()
        assert link.evaluate("(each) => each.scrollWidth <= each.clientWidth"), link.text_content()
