"""An operator acts on a real grid in a real browser: each order previewed, reasoned, and confirmed by the grid."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from admin_ui.web.logins import Role
from tests.console.browser import NARROW, WIDE, axe_faults, log_in, logged_in, visit
from tests.console.cars import placed
from tests.support.console import people
from tests.support.grid import Grid, get

REASON = "Reason (for the audit log)"


@pytest.fixture
def page(browser: Browser, grid: Grid) -> Iterator[Page]:
    """A page that is logged in, and shows nothing yet."""
    with logged_in(browser, grid.link()) as blank:
        yield blank


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def opened(page: Page, grid: Grid, button: str, at: str = "/?substation=substation-2") -> Locator:
    """Press a button that opens the dialog, and wait for its preview."""
    page.goto(grid.console + at)
    page.get_by_role("button", name=button, exact=True).click()
    expect(dialog(page).locator(".preview:not([aria-busy])")).to_be_visible()
    return dialog(page)


def order(page: Page, name: str, reason: str = "works on the line") -> None:
    """Give the reason and the order, and wait until the grid has confirmed it."""
    dialog(page).get_by_label(REASON).fill(reason)
    dialog(page).get_by_role("button", name=name, exact=True).click()
    expect(dialog(page).get_by_role("status")).to_contain_text("✓ Confirmed")


def undo(page: Page, name: str) -> None:
    """Take back what was confirmed."""
    dialog(page).get_by_role("button", name="Undo").click()
    expect(dialog(page).locator(".as-of")).to_be_visible()
    expect(dialog(page).get_by_label(REASON)).to_have_value(re.compile("^undo: "))
    dialog(page).get_by_role("button", name=name, exact=True).click()
    expect(dialog(page).get_by_role("status")).to_contain_text("✓ Confirmed")
    dialog(page).get_by_role("button", name="Close").click()


def member(grid: Grid, name: str = "substation-2") -> Any:
    return next(row for row in get(f"{grid.balancer}/fleet")["substations"] if row["substation_id"] == name)


def test_cars_go_elsewhere_while_a_substation_is_drained_and_the_audit_log_says_who_and_why(
    page: Page, grid: Grid
) -> None:
    for number in range(6):
        placed(grid, f"EV-before-{number}")
    shown = opened(page, grid, "Drain…")
    expect(shown).to_contain_text("substation-2 takes no new car")
    expect(shown).to_contain_text(
        "4,134 kW → 2,75"
    )  # 4,200 kW less six times 11 kW, then without substation-2
    expect(shown).to_contain_text("2,800 kW → 1,400 kW")
    order(page, "Drain")
    assert member(grid)["draining"] is True
    seen = {placed(grid, f"EV-during-{number}")["substation_id"] for number in range(8)}
    assert seen == {"substation-1", "substation-3"}
    dialog(page).get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Restore…")).to_be_visible()
    page.goto(grid.console + "/audit")
    row = page.get_by_role("row").filter(has_text="drain").first
    for entry in ("olga", "substation-2", "works on the line", "done"):
        expect(row).to_contain_text(entry)
    opened(page, grid, "Restore…")
    order(page, "Restore")
    assert member(grid)["draining"] is False
    assert "substation-2" in {placed(grid, f"EV-after-{number}")["substation_id"] for number in range(3)}


def test_a_limit_below_the_load_cuts_nobody_off_and_its_undo_restores_it(page: Page, grid: Grid) -> None:
    for number in range(4):
        placed(grid, f"EV-derate-{number}", substations=["substation-2"], max_power_kw=22)
    load_kw = member(grid)["load_kw"]
    shown = opened(page, grid, "Change limit…")
    shown.get_by_label("Limit in kW").fill("1500")
    expect(shown).to_contain_text("is rated for 1,400 kW")
    shown.get_by_label("Limit in kW").fill("50")
    expect(shown).to_contain_text(re.compile("Nobody is cut off.* By the plans of its sessions that is in"))
    order(page, "Set the limit")
    assert (member(grid)["capacity_kw"], member(grid)["load_kw"] > 50) == (50, load_kw > 50)
    undo(page, "Set the limit")
    assert member(grid)["capacity_kw"] == 1400


def test_a_policy_is_switched_and_back(page: Page, grid: Grid) -> None:
    shown = opened(page, grid, "Switch…", "/")
    shown.get_by_label("Policy for new cars").select_option("round_robin")
    expect(shown).to_contain_text("New cars go in turn to substation-1, substation-2, substation-3.")
    order(page, "Switch")
    assert get(f"{grid.balancer}/fleet")["policy"] == "round_robin"
    expect(page.locator("#policy")).to_contain_text("round_robin")
    undo(page, "Switch")
    assert get(f"{grid.balancer}/fleet")["policy"] == "least_loaded"


def test_a_session_is_stopped_from_its_story(page: Page, grid: Grid) -> None:
    session_id = placed(grid, "EV-stop", energy_kwh=80)["session_id"]
    shown = opened(page, grid, "Stop the session…", f"/decisions?session_id={session_id}")
    expect(shown).to_contain_text("This can't be undone")
    order(page, "Stop the session")
    expect(dialog(page).get_by_role("button", name="Undo")).to_have_count(0)
    dialog(page).get_by_role("button", name="Close").click()
    expect(page.locator(".session")).to_contain_text("■ stopped")
    expect(page.get_by_role("button", name="Stop the session…")).to_have_count(0)
    assert get(f"{grid.gateway}/charge/{session_id}")["state"] == "stopped"


def test_everything_goes_by_the_keyboard_and_escape_gives_up(page: Page, grid: Grid) -> None:
    page.goto(grid.console + "/?substation=substation-3")
    button = page.get_by_role("button", name="Drain…")
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_label(REASON)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page).locator(".as-of")).to_be_visible()
    page.keyboard.type("no")
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("status")).to_contain_text("three characters")
    page.keyboard.type(" load test")
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("status")).to_contain_text("✓ Confirmed")
    page.keyboard.press("Tab")
    expect(dialog(page).get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page).locator(".as-of")).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("status")).to_contain_text("takes new cars again")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    assert member(grid, "substation-3")["draining"] is False


def knows_nothing_of_others(page: Page) -> None:
    """Let the dialog hear only from the console's answer to its order that another was faster, as in a race."""
    page.route("**/api/orders/newest*", lambda route: route.abort())


def test_a_state_that_changed_since_the_preview_is_previewed_anew(browser: Browser, grid: Grid) -> None:
    with logged_in(browser, grid.link()) as first, logged_in(browser, grid.link()) as second:
        knows_nothing_of_others(first)
        mine = opened(first, grid, "Drain…")
        opened(second, grid, "Drain…", "/?substation=substation-1")
        order(second, "Drain", "works of the other shift")
        mine.get_by_label(REASON).fill("works of this shift")
        mine.get_by_role("button", name="Drain", exact=True).click()
        expect(mine.get_by_role("status")).to_contain_text("The grid has changed since the preview")
        explanation = re.compile(
            r"olga drained substation-1 at [0-9:]+ UTC[+0-9:]* \(works of the other shift\)"
        )
        expect(mine.get_by_role("status")).to_contain_text(explanation)
        expect(mine).to_contain_text("2 → 1")
        assert member(grid)["draining"] is False
        undo(second, "Restore")


def test_the_slower_of_two_operators_sees_who_was_faster_and_no_live_button(
    browser: Browser, grid: Grid
) -> None:
    with logged_in(browser, grid.link()) as first, logged_in(browser, grid.link()) as second:
        knows_nothing_of_others(first)
        mine = opened(first, grid, "Drain…")
        opened(second, grid, "Drain…")
        order(second, "Drain", "works of the other shift")
        mine.get_by_label(REASON).fill("works of this shift")
        mine.get_by_role("button", name="Drain", exact=True).click()
        faster = re.compile(r"olga drained substation-2 at [0-9:]+ UTC[+0-9:]* \(works of the other shift\)")
        expect(mine.get_by_role("status")).to_contain_text(faster)
        expect(mine.locator(".preview")).to_contain_text(faster)
        expect(mine.get_by_role("button", name="Drain", exact=True)).to_be_disabled()
        expect(mine.get_by_role("button", name="Cancel")).to_be_focused()
        expect(mine.get_by_label(REASON)).to_have_value("works of this shift")
        assert axe_faults(first) == []
        undo(second, "Restore")
        first.goto(grid.console + "/audit")
        row = first.get_by_role("row").filter(has_text="works of this shift").first
        expect(row).to_contain_text("refused")


def test_nothing_can_be_ordered_while_the_console_does_not_see_the_grid(page: Page, grid: Grid) -> None:
    shown = opened(page, grid, "Drain…")
    grid.kill("balancer")
    shown.get_by_label(REASON).fill("too late")
    page.context.set_offline(True)
    go = shown.get_by_role("button", name="Drain", exact=True)
    expect(go).to_have_attribute("aria-disabled", "true")
    go.click(force=True)
    expect(shown.get_by_role("status")).to_be_empty()
    page.context.set_offline(False)
    grid.wait()
    expect(go).not_to_have_attribute("aria-disabled", "true")


def test_a_viewer_sees_no_button_and_is_refused(browser: Browser, grid: Grid) -> None:
    people(grid.data, vic=Role.VIEWER)
    with visit(browser, f"{grid.console}/login?next=%2F%3Fsubstation%3Dsubstation-2") as page:
        page.wait_for_timeout(1200)  # the file of people is read once a second
        log_in(page, "vic")
        expect(page.get_by_text("require the operator role")).to_be_visible()
        for name in ("Drain…", "Restore…", "Change limit…", "Switch…"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        status = page.evaluate(
            """() => fetch("/api/orders", {
              method: "POST", headers: {"Content-Type": "application/json"},
              body: '{"order": "drain", "target": "substation-2", "reason": "because", "basis": "x"}',
            }).then((answer) => answer.status)"""
        )
        assert status == 403
        assert member(grid)["draining"] is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_in_the_dialogs_and_they_fit(
    browser: Browser, grid: Grid, scheme: str, size: Any
) -> None:
    with logged_in(browser, grid.link(), color_scheme=scheme, viewport=size) as page:
        for button, at in (("Change limit…", "/?substation=substation-2"), ("Switch…", "/")):
            opened(page, grid, button, at)
            assert axe_faults(page) == []
            box = dialog(page).bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size["width"]
