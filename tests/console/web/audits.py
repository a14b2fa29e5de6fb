"""Audits of a page as it is shown: targets for fingers, names for screen readers, dates and figures."""

from playwright.sync_api import Page

TARGET_PX = 44
# What can be hit with a finger is large enough, itself or by its label; a link inside a sentence may be smaller (WCAG 2.5.8).
SMALL = """(least) => [...document.querySelectorAll("a, button, select, input, textarea, summary")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest("p, .skip, .visually-hidden, td.why") && !each.disabled)
  .map((each) => {
    const target = each.matches("[type=checkbox], [type=radio]") ? each.closest("label") ?? document.querySelector(`label[for="${each.id}"]`) ?? each : each;
    const { height, width } = target.getBoundingClientRect();
    return [`${each.localName}${each.id ? `#${each.id}` : ""} ${(each.textContent || each.value || each.name).trim().slice(0, 40)}`, Math.round(Math.min(height, width))];
  })
  .filter(([, size]) => size > 1 && size < least)"""
# What a screen reader gets: one heading of the page, no jump between levels, a name for each region, table, picture and control.
UNNAMED = """() => {
  const faults = [];
  const shown = (each) => each.checkVisibility({ visibilityProperty: true });
  const text = (each) => (each.getAttribute("aria-label") || [...(each.getAttribute("aria-labelledby") ?? "").split(" ")]
    .map((id) => document.getElementById(id)?.textContent ?? "").join("") || "").trim();
  const headings = [...document.querySelectorAll("h1, h2, h3, h4")].filter(shown).map((each) => Number(each.localName[1]));
  if (headings.filter((level) => level === 1).length !== 1) faults.push(`${headings.filter((level) => level === 1).length} headings of the page`);
  headings.reduce((before, level) => { if (level > before + 1) faults.push(`h${before} is followed by h${level}`); return level; }, 0);
  for (const each of [...document.querySelectorAll("table")].filter(shown)) {
    const frame = each.closest("[role=region], section, [role=img]");
    if (!text(each) && !each.caption && !(frame && text(frame))) faults.push(`a table without a name: ${each.className}`);
    for (const cell of each.querySelectorAll("thead th")) if (!cell.textContent.trim()) faults.push(`a column without a name: ${each.className}`);
  }
  for (const each of [...document.querySelectorAll("nav, [role=region], [role=search], [role=group], [role=img], dialog, canvas")].filter(shown)) {
    if (!text(each) && !each.closest("[role=img], [aria-hidden=true]")) faults.push(`${each.localName}.${each.className} without a name`);
  }
  if (!document.querySelector("[role=status], [aria-live]")) faults.push("no live region");
  for (const each of document.querySelectorAll("[aria-live], [role=status], [role=alert]")) {
    if (each.querySelector("table, canvas")) faults.push(`a live region that reads a table or a chart: ${each.id || each.className}`);
  }
  return faults;
}"""
# Dates are ISO with a time and a zone (or a day alone), times have a zone or stand on an axis, thousands are separated.
UNCLEAR = r"""() => {
  const faults = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const skipped = "code, kbd, a, svg, option, textarea, [data-raw], th, .vehicle, .session";
  const words = new Map();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.checkVisibility() && !node.parentElement.closest(skipped)) words.set(node, node.textContent.trim());
  }
  for (const [, said] of words) {
    if (/\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b/.test(said)) faults.push(`a date of another form: ${said}`);
    if (/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(?! ?(:\d\d )?(UTC|Z))/.test(said)) faults.push(`a time without a zone: ${said}`);
    if (/(^|[^\d.,:T-])\d{5,}(?![\d-])/.test(said)) faults.push(`thousands are not separated: ${said}`);
  }
  return faults;
}"""


def small_targets(page: Page) -> list[str]:
    """What is too small for a finger, with its size in pixels."""
    return [f"{what}: {size} px" for what, size in page.evaluate(SMALL, TARGET_PX)]


OUTSIDE = """() => [...document.querySelectorAll("header a, header button, nav a")].filter((each) => each.checkVisibility())
  .filter((each) => { const { left, right } = each.getBoundingClientRect(); return right > innerWidth + 0.5 || left < -0.5; })
  .map((each) => each.textContent.trim()).filter((words) => words !== "Skip to content")"""


def outside(page: Page) -> list[str]:
    """What of the header and of the navigation lies beside the screen."""
    return [f"beside the screen: {words}" for words in page.evaluate(OUTSIDE)]


def unnamed(page: Page) -> list[str]:
    """What a screen reader has no name for, and what it reads wrongly."""
    found: list[str] = page.evaluate(UNNAMED)
    return found


def unclear(page: Page) -> list[str]:
    """Dates, times and figures that are not written as on every page."""
    found: list[str] = page.evaluate(UNCLEAR)
    return found
