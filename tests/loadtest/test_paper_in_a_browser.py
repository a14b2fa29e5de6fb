"""The report in a real browser: accessible in both themes, no wider than a phone, alone on the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from loadtest.paper import page
from tests.loadtest import documents
from tests.loadtest.test_project_report import measured
from tests.support import chromium

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WIDE = "() => document.documentElement.scrollWidth"
DRAWN = "() => getComputedStyle(document.querySelector('.data')).fill + getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from chromium.browser()


def opened(browser: Browser, folder: Path, name: str, theme: str, size: dict[str, int]) -> Page:
    path = folder / "report.html"
    path.write_text(page.report(documents.EVERY[name]()), encoding="utf-8")
    shown = browser.new_page(color_scheme=theme, viewport=size)  # type: ignore[arg-type]
    shown.goto(path.as_uri())
    return shown


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["held", "full", "overloaded", "interrupted", "hostile", "empty"])
def test_axe_finds_nothing(browser: Browser, tmp_path: Path, name: str, theme: str) -> None:
    shown = opened(browser, tmp_path, name, theme, DESK)
    shown.evaluate("() => document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(shown)
    assert [each["id"] for each in found.response["violations"]] == [], found.generate_report()
    shown.close()


@pytest.mark.parametrize("name", ["full", "hostile", "empty"])
def test_nothing_is_wider_than_a_phone(browser: Browser, tmp_path: Path, name: str) -> None:
    shown = opened(browser, tmp_path, name, "light", PHONE)
    assert shown.evaluate(WIDE) == PHONE["width"]
    shown.close()


def test_a_phone_shows_every_verdict_without_scrolling_aside(browser: Browser, tmp_path: Path) -> None:
    shown = opened(browser, tmp_path, "refused", "light", PHONE)
    hidden = "() => { const t = document.querySelector('.thresholds').parentElement; return t.scrollWidth - t.clientWidth }"
    assert shown.evaluate(hidden) == 0
    shown.close()


def test_the_style_passes_its_own_policy_and_nothing_else_is_asked_for(
    browser: Browser, tmp_path: Path
) -> None:
    shown = browser.new_page(color_scheme="dark")
    asked: list[str] = []
    told: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: told.append(message.text))
    path = tmp_path / "report.html"
    path.write_text(page.report(documents.hostile()), encoding="utf-8")
    shown.goto(path.as_uri())
    assert [each for each in asked if not each.startswith("data:")] == [path.as_uri()]
    assert told == []
    assert shown.evaluate(DRAWN) == "nonergb(23, 25, 27)"
    shown.close()


def test_print_is_light_and_cuts_no_plot(browser: Browser, tmp_path: Path) -> None:
    shown = opened(browser, tmp_path, "full", "dark", DESK)
    shown.emulate_media(media="print")
    assert shown.evaluate(DRAWN) == "nonergb(255, 255, 255)"
    assert shown.evaluate("() => getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    shown.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_project_report_is_accessible_and_fits_a_phone(
    browser: Browser, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    path = tmp_path / "project.html"
    path.write_text(page.project_report(measured()), encoding="utf-8")
    shown = browser.new_page(color_scheme=theme, viewport=PHONE)  # type: ignore[arg-type]
    shown.goto(path.as_uri())
    found = Axe().run(shown)
    assert [each["id"] for each in found.response["violations"]] == [], found.generate_report()
    assert shown.evaluate(WIDE) == PHONE["width"]
    shown.close()


def test_print_keeps_every_plot_of_the_project_report_whole_and_with_its_heading(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "project.html"
    path.write_text(page.project_report(measured()), encoding="utf-8")
    shown = browser.new_page()
    shown.goto(path.as_uri())
    shown.emulate_media(media="print")
    style = (
        "(which) => [...document.querySelectorAll(which[0])].map(each => getComputedStyle(each)[which[1]])"
    )
    for which, name, wanted in (
        ("figure", "breakInside", "avoid"),
        (".keep", "breakInside", "avoid"),
        ("h2, h3", "breakAfter", "avoid"),
    ):
        assert set(shown.evaluate(style, [which, name])) == {wanted}, which
    shown.close()
