"""`python -m tests.console.load [SECONDS]`: what 1,000 substations that all change cost a console and a browser.

First in real time: a console (a real process) follows a made-up fleet, and one page shows it. Then an hour
at the speed of the machine: the page's own clock runs fast, and its frames are made inside the browser.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

from tests.console.browser import chromium, visit
from tests.support.lone_console import LoneConsole, console

COUNT = 1000
SECONDS = 60.0
HOUR_S = 3600
MB = 1024 * 1024
GAPS = """async (seconds) => {
  const gaps = [], long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ entryTypes: ["longtask"] });
  let before = performance.now();
  const end = before + seconds * 1000;
  while (before < end) {
    const now = await new Promise(requestAnimationFrame);
    const at = performance.now();
    gaps.push(at - before);
    before = at;
  }
  return { gaps, long };
}"""
# Frames of a thousand rows that all change, four to a second of a clock that runs as fast as they are taken.
FAST = """(() => {
  const real = { now: performance.now.bind(performance), date: Date.now };
  const fast = { ms: 0, seq: 0, timers: [], socket: null, took: [] };
  const begin = Date.now();
  Date.now = () => begin + fast.ms;
  performance.now = () => fast.ms;
  window.setInterval = (call) => fast.timers.push(call);
  window.requestAnimationFrame = (call) => { queueMicrotask(() => call(fast.ms)); return 1; };
  window.WebSocket = class {
    static CLOSING = 2;
    readyState = 1;
    constructor() { fast.socket = this; }
    close() {}
  };
  window.drive = async (state, frames, stepMs = 250) => {
    const deliver = (frame) => fast.socket.onmessage({ data: JSON.stringify(frame) });
    if (!fast.seq) deliver({ seq: fast.seq = 1, kind: "snapshot", state });
    fast.took = [];
    for (let n = 1; n <= frames; n += 1) {
      fast.ms += stepMs;
      const substations = state.substations.map((row, at) => {
        const load = 700 + 600 * Math.sin(fast.ms / 120000 + at);
        return { ...row, load_kw: Math.round(load * 10) / 10, utilization: load / 1400, sessions: Math.round(load / 11) };
      });
      const text = JSON.stringify({ seq: fast.seq += 1, kind: "changes", gone: [], substations, totals: state.totals });
      const began = real.now();
      fast.socket.onmessage({ data: text });
      await null;
      if (fast.ms % 1000 === 0) for (const call of fast.timers) call();
      fast.took.push(real.now() - began);
      if (n % 40 === 0) await new Promise((next) => setTimeout(next)); // layout and collection get their turn
    }
    return fast.took;
  };
})()"""


def percentiles(values: list[float]) -> str:
    """Return p50, p95 and the highest of some milliseconds."""
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49]:.1f}, p95 {cuts[94]:.1f}, max {max(values):.1f} ms"


def heap_bytes(client: CDPSession) -> int:
    """Return what the page's scripts hold after a collection, arrays of numbers and nodes too."""
    client.send("HeapProfiler.collectGarbage")
    used = client.send("Runtime.getHeapUsage")
    return sum(int(used.get(name, 0)) for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize"))


def metrics(client: CDPSession) -> dict[str, float]:
    """Return Chromium's own counters of a page, durations in seconds."""
    return {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}


def in_real_time(page: Page, served: LoneConsole, seconds: float) -> None:
    """Print what a page and its console cost while both run as they do."""
    page.wait_for_selector("table.substations tbody tr")
    page.wait_for_timeout(5000)
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    before, cpu_s, began_s = metrics(client), served.cpu_s(), time.monotonic()
    found: dict[str, Any] = page.evaluate(GAPS, seconds)
    took_s = time.monotonic() - began_s
    after = metrics(client)
    busy = (after["TaskDuration"] - before["TaskDuration"]) / took_s
    print(f"frames           {len(found['gaps'])} in {took_s:.0f} s: {percentiles(found['gaps'])}")
    print(f"main thread      busy {busy * 100:.1f} %, {busy * 250:.1f} ms for each of 4 updates a second")
    print(
        f"long tasks       {len(found['long'])} over 50 ms, the longest {max(found['long'], default=0):.0f} ms"
    )
    print(
        f"console          {(served.cpu_s() - cpu_s) / took_s * 100:.1f} % of a core, {served.memory_bytes() / MB:.0f} MB"
    )
    print(f"page's heap      {heap_bytes(client) / MB:.1f} MB, {after['Nodes']:.0f} nodes")


def an_hour(page: Page, url: str) -> None:
    """Print what an hour leaves behind in a page."""
    state = page.evaluate(
        """async () => (await new Promise((done) => {
          const socket = new WebSocket(new URL("/stream", location.href));
          socket.onmessage = (message) => { socket.close(); done(JSON.parse(message.data)); };
        })).state"""
    )
    page.add_init_script(FAST)
    page.goto(url)
    page.wait_for_selector("#totals dt", state="attached")
    page.wait_for_timeout(1000)
    began_s = time.monotonic()
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    shown, quarters = set[str](), []
    for _ in range(4):
        took = page.evaluate("([state, frames]) => window.drive(state, frames)", [state, HOUR_S])
        quarters.append(heap_bytes(client) / MB)
        shown.add(page.locator("table.substations tbody tr").nth(30).inner_text())
    took_s = time.monotonic() - began_s
    assert len(shown) == 4, "the page did not follow"
    print(f"an hour          14,400 frames in {took_s:.0f} s; script of a frame {percentiles(took)}")
    print(
        f"heap by quarters {', '.join(f'{mb:.1f}' for mb in quarters)} MB, {metrics(client)['Nodes']:.0f} nodes"
    )


def main() -> None:
    """Run both, and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with (
        tempfile.TemporaryDirectory() as data,
        console(Path(data), COUNT) as served,
        chromium() as browser,
        visit(browser, served.link()) as page,
    ):
        in_real_time(page, served, seconds)
        minute = page.evaluate("() => fetch('/api/history?seconds=60').then((answer) => answer.text())")
        print(f"history          {len(minute) / MB:.2f} MB of JSON for a minute of all, asked once")
        an_hour(page, served.url)


if __name__ == "__main__":
    main()
