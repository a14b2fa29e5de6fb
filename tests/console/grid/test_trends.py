"""The seconds that a page keeps of each substation, by the page's own module before a real console."""

from playwright.sync_api import Browser

from tests.console.browser import logged_in
from tests.support.lone_console import LoneConsole

LATE_S = 5
# Asks for the past, and takes the answer only when the page has gone on for some seconds.
LATE = """async (lateS) => {
  const { History } = await import(script("grid/history.js"));
  const { Stream } = await import(script("lib/stream.js"));
  const stream = new Stream();
  const history = new History(stream);
  const second = (wanted) => new Promise((done) => history.addEventListener("second", function look() {
    if (history.second < wanted) return;
    history.removeEventListener("second", look);
    done();
  }));
  const real = window.fetch;
  let release = null;
  const held = new Promise((done) => { release = done; });
  window.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (String(asked[0]).includes("/api/history")) await held;
    return answer;
  };
  stream.open();
  await second(1);
  const asked = history.requestMeans(["substation-1"]);
  await second(history.second + lateS);
  release();
  await asked;
  window.fetch = real;
  return history.newest("substation-1", lateS - 1)[0];
}"""


def test_an_answer_that_comes_late_overwrites_no_second_that_is_newer(
    browser: Browser, few: LoneConsole
) -> None:
    with logged_in(browser, few.link(), "/") as page:
        newest = page.evaluate(LATE, LATE_S)
        assert len(newest) == LATE_S - 1
        assert None not in newest
