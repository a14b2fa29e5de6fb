// A live chart of one load and its limit. The load is that of cars and, as a band below it, the base load.

import uPlot from "../../vendor/uplot.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { hours, kw } from "../lib/format.js";

const HEIGHT = 130;

/** One chart; call `show` once a second, and `end` when its place is removed. */
export class LoadChart {
  #plot;
  #frame = element("div", { class: "chart", role: "img" });
  #legend = element("p", { class: "legend", hidden: true, "aria-hidden": "true" }, ...spaced(key("cars"), key("base load"), key("limit")));
  #resized;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#plot?.redraw(false, true);

  constructor(place) {
    place.append(this.#frame, this.#legend);
    this.#resized = new ResizeObserver(() => this.#plot?.setSize({ width: this.#frame.clientWidth, height: HEIGHT }));
    this.#resized.observe(this.#frame);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  /** Draw [loads, limits, base loads] that end with `second`; loads count base loads. `name` is for screen readers. */
  show(name, second, [loads, limits, bases]) {
    const seconds = Array.from(loads, (_, n) => second - loads.length + 1 + n);
    const carriesBase = bases.some(Boolean);
    const data = [seconds, loads, carriesBase ? bases : loads.map(() => null), limits];
    attribute(this.#legend, "hidden", !carriesBase);
    if (this.#plot) this.#plot.setData(data);
    else if (this.#frame.clientWidth) this.#plot = new uPlot(options(this.#frame.clientWidth), data, this.#frame);
    if (second % 10 === 0 || !this.#frame.ariaLabel) this.#frame.ariaLabel = described(name, loads, limits, bases);
  }

  end() {
    this.#resized.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
    this.#plot?.destroy();
    this.#frame.remove();
    this.#legend.remove();
  }
}

/** A table with the figures of the charts. */
export class ChartTable {
  #rows = new Map();
  #body = element("tbody");
  #table;

  constructor(place) {
    const heads = ["Substation", "Limit", "Now", "1 min ago", "5 min ago", "14 min ago", "Peak, 15 min", "Base load now"];
    place.append(element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Chart data as a table" },
      element("table", { class: "chart-table" },
        element("caption", { class: "visually-hidden" }, "Load in kW"),
        element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))), this.#body)));
    this.#table = place.lastElementChild.firstElementChild;
  }

  /** Show some series, [[title, [loads, limits, base loads]], ...]. */
  show(series) {
    const titles = new Set(series.map(([title]) => title));
    for (const [title, row] of this.#rows) {
      if (titles.has(title)) continue;
      row.remove();
      this.#rows.delete(title);
    }
    attribute(this.#table, "data-base", series.some(([, [, , bases]]) => bases.some(Boolean)) ? "" : null); // its column
    for (const [title, [loads, limits, bases]] of series) {
      let row = this.#rows.get(title);
      if (!row) {
        row = element("tr", {}, element("th", { scope: "row" }, title), ...Array.from({ length: 7 }, () => element("td", { class: "number" })));
        this.#rows.set(title, row);
        this.#body.append(row);
      }
      const figures = [limits.at(-1), loads.at(-1), loads.at(-61), loads.at(-301), loads.at(-841), peak(loads), bases.at(-1)];
      figures.forEach((figure, n) => text(row.cells[n + 1], kw(figure)));
    }
  }
}

function key(name) {
  return element("span", {}, element("span", { class: "key", "data-key": name }), ` ${name}`);
}

function peak(loads) {
  const highest = Math.max(...loads.filter((load) => load !== null));
  return Number.isFinite(highest) ? highest : null;
}

function described(name, loads, limits, bases) {
  const base = bases.at(-1) ? `, base load ${kw(bases.at(-1))} of it` : "";
  const now = loads.at(-1) === null ? "unknown now" : `now ${kw(loads.at(-1))} of ${kw(limits.at(-1))}${base}`;
  return `Load of ${name} in the last ${Math.round(loads.length / 60)} minutes: ${now}, peak ${kw(peak(loads))}`;
}

/** Return the times of ticks, with seconds where minutes alone would repeat. */
function times(ticks) {
  const seconds = ticks[1] - ticks[0] < 60;
  return ticks.map((tick) => hours(tick * 1000, seconds));
}

function longest(texts) {
  return Math.max(0, ...texts.map((each) => each.length));
}

function colour(name) {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(width) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false }, padding: [6, 26, 0, 0], select: { show: false },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.08] } },
    axes: [
      { ...axis, size: 22, space: 58, values: (_, ticks) => times(ticks) },
      { ...axis, size: (_, texts) => Math.max(46, 10 + 7 * longest(texts ?? [])), space: 34, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")) },
    ],
    series: [
      {},
      { stroke: colour("--series-1"), fill: colour("--bar-ground"), width: 1.5, points: { show: false }, spanGaps: false },
      { stroke: colour("--base-load"), fill: colour("--base-load"), width: 1, points: { show: false }, spanGaps: false },
      { stroke: colour("--limit"), width: 1, dash: [6, 4], points: { show: false }, spanGaps: false },
    ],
  };
}
