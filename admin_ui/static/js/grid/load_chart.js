// A live chart of one load and its limit. The load is that of cars and, as a band below it, the base load. A cursor reads
// the values in all charts of the page at once.

import uPlot from "../../vendor/uplot.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { NEAR } from "../lib/conditions.js";
import { hours, kw, moment, percent } from "../lib/format.js";

const HEIGHT = 130;
const LEAST_ZOOM_PX = 8; // less is a click
const LEAST_ZOOM_S = 5;
const DAY_S = 86_400;
const NEAR_PX = 5; // of the cursor: what is marked there is read
const FONT = "system-ui, sans-serif";

/**
 * One chart; call `show` once a second, and `end` when its place is removed. `marks` returns what happened, as
 * [unix second, shape, words]. `zoomed` is called with the unix seconds, from and to, that somebody has drawn over.
 */
export class LoadChart {
  #plot;
  #height;
  #marks;
  #zoomed;
  #range = null;
  #live = true;
  #scale = 1;
  #readout = element("p", { class: "readout", "aria-hidden": "true" });
  #frame = element("div", { class: "chart", role: "img" });
  #legend = element("p", { class: "legend", hidden: true, "aria-hidden": "true" }, ...spaced(key("cars"), key("base load"), key("limit")));
  #resized;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#plot?.redraw(false, true);

  constructor(place, { height = () => HEIGHT, marks = () => [], zoomed = null } = {}) {
    [this.#height, this.#marks, this.#zoomed] = [height, marks, zoomed];
    this.#frame.style.setProperty("height", `${height()}px`);
    place.append(this.#readout, this.#frame, this.#legend);
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(this.#frame);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  /**
   * Draw [loads, limits, base loads], one each `stepS`, that end with `second`; loads count base loads. `range` is what of
   * them is shown, [from, to], null for all. `name` is for screen readers.
   */
  show(name, second, [loads, limits, bases], { stepS = 1, range = null } = {}) {
    this.#range = range;
    this.#live = stepS === 1 && !range;
    const seconds = Array.from(loads, (_, n) => second - (loads.length - 1 - n) * stepS);
    const carriesBase = bases.some(Boolean);
    const data = [seconds, loads, carriesBase ? bases : loads.map(() => null), limits];
    attribute(this.#legend, "hidden", !carriesBase);
    if (this.#plot) this.#plot.setData(data);
    else if (this.#frame.clientWidth) this.#plot = this.#made(data);
    this.#read(this.#plot);
    if (second % 10 === 0 || !this.#frame.ariaLabel) this.#frame.ariaLabel = described(name, stepS, loads, limits, bases);
  }

  end() {
    this.#resized.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
    this.#plot?.destroy();
    for (const each of [this.#readout, this.#frame, this.#legend]) each.remove();
  }

  #fit() {
    this.#frame.style.setProperty("height", `${this.#height()}px`);
    if (this.#plot && this.#scale !== textScale()) { // its axes have fonts of their own
      this.#plot.destroy();
      this.#plot = null;
    }
    this.#plot?.setSize({ width: this.#frame.clientWidth, height: this.#height() });
  }

  #made(data) {
    const hooks = {
      setCursor: [(plot) => this.#read(plot)], draw: [(plot) => drawMarks(plot, this.#marks())], setSelect: [(plot) => this.#select(plot)],
    };
    this.#scale = textScale();
    const made = options(this.#frame.clientWidth, this.#height(), hooks);
    made.scales.x.range = (_, from, to) => this.#range ?? [from, to];
    made.cursor.drag = { x: Boolean(this.#zoomed), y: false, setScale: false };
    return new uPlot(made, data, this.#frame);
  }

  #select(plot) {
    const { left, width } = plot.select;
    if (width < LEAST_ZOOM_PX) return;
    const [from, to] = [left, left + width].map((px) => plot.posToVal(px, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (to - from >= LEAST_ZOOM_S) this.#zoomed([Math.floor(from), Math.ceil(to)]);
  }

  /** Show the values under the cursor, or the newest ones. */
  #read(plot) {
    if (!plot) return;
    const [seconds, loads, bases, limits] = plot.data;
    const { left, idx } = plot.cursor;
    const pointed = idx !== null && idx !== undefined && left >= 0;
    const last = this.#range ? seconds.findLastIndex((second) => second <= this.#range[1]) : seconds.length - 1;
    const at = pointed ? idx : Math.max(last, 0);
    const found = pointed ? this.#marks().filter(([second]) => Math.abs(plot.valToPos(second, "x") - left) <= NEAR_PX) : [];
    const base = bases[at] ? `, base load ${kw(bases[at])} of it` : "";
    const share = limits[at] ? loads[at] / limits[at] : 0;
    const level = share > 1.00005 ? "critical" : share > NEAR ? "warning" : "normal";
    const state = { critical: "▲ over limit, ", warning: "△ near limit, ", normal: "" }[level];
    const values = loads[at] === null ? "no data" : `${state}${kw(loads[at])} of ${kw(limits[at])}, ${percent(share)}${base}`;
    attribute(this.#readout, "data-level", level);
    text(this.#readout, [pointed || !this.#live ? (seconds.at(-1) - seconds[0] > DAY_S ? moment : (ms) => hours(ms))(seconds[at] * 1000) : "Now", values, ...found.map(([, shape, words]) => `${shape} ${words}`)].join(" · "));
  }
}

/** Draw a line with its shape for each mark that lies in the chart. */
function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("--soft")();
  ctx.font = font(12 * devicePixelRatio);
  ctx.textAlign = "center";
  ctx.setLineDash([2, 3]);
  for (const [second, shape] of marks) {
    if (second < plot.scales.x.min || second > plot.scales.x.max) continue;
    const x = Math.round(plot.valToPos(second, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + 16 * devicePixelRatio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(shape, x, bbox.top + 11 * devicePixelRatio);
  }
  ctx.restore();
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

function described(name, stepS, loads, limits, bases) {
  const base = bases.at(-1) ? `, base load ${kw(bases.at(-1))} of it` : "";
  const now = loads.at(-1) === null ? "unknown now" : `now ${kw(loads.at(-1))} of ${kw(limits.at(-1))}${base}`;
  const minutes = Math.round((loads.length * stepS) / 60);
  const span = minutes <= 120 ? `${minutes} minutes` : minutes <= 2880 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`;
  return `Load of ${name} in the last ${span}: ${now}, peak ${kw(peak(loads))}`;
}

/** Return the times of ticks, with seconds where minutes alone would repeat, and dates where days pass. */
function times(ticks) {
  const step = ticks[1] - ticks[0];
  const long = ticks.at(-1) - ticks[0] > DAY_S;
  return ticks.map((tick) => {
    const [day, time] = [moment(tick * 1000).slice(5, 10), hours(tick * 1000, step < 60)];
    if (!long) return time;
    return step >= DAY_S ? day : `${day} ${time}`;
  });
}

function longest(texts) {
  return Math.max(0, ...texts.map((each) => each.length));
}

function colour(name) {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Return how large the page's text is: 1 for 16 px. The wall mode has larger type. */
function textScale() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

/** Return a font for a canvas, whose size follows that of the page's text; `px` is that at 16 px. */
function font(px) {
  return `${Math.round(px * textScale())}px ${FONT}`;
}

function options(width, height, hooks) {
  const scale = textScale();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: font(11) };
  return {
    width, height, hooks, legend: { show: false },
    cursor: { y: false, points: { show: false }, sync: { key: "loads" } },
    padding: [6, 26, 0, 0], 
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.08] } },
    axes: [
      { ...axis, size: 22 * scale, space: 58 * scale, values: (_, ticks) => times(ticks) },
      { ...axis, size: (_, texts) => scale * Math.max(46, 10 + 7 * longest(texts ?? [])), space: 34 * scale, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")) },
    ],
    series: [
      {},
      { stroke: colour("--series-1"), fill: colour("--bar-ground"), width: 1.5, points: { show: false }, spanGaps: false },
      { stroke: colour("--base-load"), fill: colour("--base-load"), width: 1, points: { show: false }, spanGaps: false },
      { stroke: colour("--limit"), width: 1, dash: [6, 4], points: { show: false }, spanGaps: false },
    ],
  };
}
