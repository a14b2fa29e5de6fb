"""Two people at work: they see each other's open dialogs, and a dialog closes when somebody else was faster."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults, logged_in
from tests.console.orders.test_orders import REASON, dialog, member, opened, order, undo
from tests.support.grid import Grid


def here(page: Page) -> Locator:
    return page.locator("#present")


def test_each_sees_who_else_is_here_and_which_dialog_is_open(browser: Browser, grid: Grid) -> None:
    with logged_in(browser, grid.link(), "/alarms", "ben") as ben:
        expect(here(ben)).to_be_hidden()
        with logged_in(browser, grid.link(), name="cat") as cat:
            opened(cat, grid, "Drain…")
            expect(here(ben)).to_contain_text("1 other person here, with an order open")
            here(ben).locator("summary").click()
            expect(here(ben).get_by_role("listitem")).to_contain_text(
                re.compile(
                    r"cat \(administrator\), since .*cat has the dialog “Drain substation-2” open since"
                )
            )
            ben.keyboard.press("Escape")
            expect(here(ben).get_by_role("listitem")).to_be_hidden()
            cat.context.set_offline(True)
            cat.context.set_offline(False)
            expect(here(ben)).to_contain_text(
                "1 other person here, with an order open"
            )  # the new connection says it again
            mine = opened(ben, grid, "Change limit…")
            expect(mine.locator(".others")).to_contain_text("cat has the dialog “Drain substation-2” open")
            expect(dialog(cat).locator(".others")).to_contain_text(
                "ben has the dialog “Change the limit of substation-2”"
            )
            cat.keyboard.press("Escape")
            expect(mine.locator(".others")).to_be_empty()
            ben.keyboard.press("Escape")
            expect(here(ben)).to_contain_text("1 other person here")
            expect(here(ben)).not_to_contain_text("with an order open")
        expect(here(ben)).to_be_hidden()  # her connection has gone


def test_the_dialog_of_the_slower_one_closes_and_says_who_was_faster(browser: Browser, grid: Grid) -> None:
    with (
        logged_in(browser, grid.link(), name="ben") as ben,
        logged_in(browser, grid.link(), name="cat") as cat,
    ):
        mine = opened(ben, grid, "Drain…")
        mine.get_by_label(REASON).fill("works of this shift")
        opened(cat, grid, "Drain…")
        order(cat, "Drain", "works of the other shift")
        faster = re.compile(
            r"Somebody was faster.*cat drained substation-2 at [0-9:]+ UTC.*works of the other shift.*Nothing was sent"
        )
        expect(mine.get_by_role("status")).to_contain_text(faster)
        expect(mine.get_by_role("button")).to_have_text(["Close"])
        expect(mine.get_by_role("button", name="Close")).to_be_focused()
        expect(mine.get_by_label(REASON)).to_have_count(0)
        assert axe_faults(ben) == []
        ben.keyboard.press("Enter")
        expect(dialog(ben)).to_have_count(0)
        undo(cat, "Restore")


def test_an_order_elsewhere_makes_a_new_preview_on_which_the_order_can_be_given(
    browser: Browser, grid: Grid
) -> None:
    with (
        logged_in(browser, grid.link(), name="ben") as ben,
        logged_in(browser, grid.link(), name="cat") as cat,
    ):
        mine = opened(ben, grid, "Drain…")
        mine.get_by_label(REASON).fill("works of this shift")
        opened(cat, grid, "Drain…", "/?substation=substation-1")
        order(cat, "Drain", "works of the other shift")
        expect(mine.get_by_role("status")).to_contain_text("cat drained substation-1")
        expect(mine).to_contain_text("2 → 1")
        expect(mine.get_by_label(REASON)).to_have_value("works of this shift")
        mine.get_by_role("button", name="Drain", exact=True).click()
        expect(mine.get_by_role("status")).to_contain_text("✓ Confirmed")
        assert member(grid)["draining"] is True
        undo(ben, "Restore")
        undo(cat, "Restore")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_others_are_here(browser: Browser, grid: Grid, scheme: str) -> None:
    with (
        logged_in(browser, grid.link(), name="ben", color_scheme=scheme) as ben,
        logged_in(browser, grid.link(), name="cat") as cat,
    ):
        opened(cat, grid, "Drain…")
        ben.goto(f"{grid.console}/alarms")
        for size in (WIDE, NARROW):
            ben.set_viewport_size(size)
            expect(here(ben)).to_be_visible()
            here(ben).locator("summary").click()
            assert axe_faults(ben) == []
            assert ben.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
            header = ben.locator("header.top").bounding_box()
            assert header
            assert header["height"] < 64
            here(ben).locator("summary").click()
