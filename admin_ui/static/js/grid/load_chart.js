// A live chart of one load and its limit. The load is that of cars and, as a band below it, the base load. Ahead of now it shows
// what is to come without new cars. A cursor reads the values in all charts of the page at once.

import uPlot from "../../vendor/uplot.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { NEAR } from "../lib/conditions.js";
import { ago, hours, kw, moment, percent } from "../lib/format.js";
import { colour, drawLimit, drawMarks, drawNow, drawUnusable, font, lineColour, textScale, widest } from "./chart_drawing.js";
import { peak } from "./chart_table.js";

const HEIGHT = 130;
const LEAST_ZOOM_PX = 8; // less is a click
const LEAST_ZOOM_S = 5;
const DAY_S = 86_400;
const NEAR_PX = 5; // of the cursor: what is marked there is read
const AXIS_PX = 11; // of its text
const NOTHING = { points: [], carriesBase: false };

/**
 * One chart; call `show` once a second, and `end` when its place is removed. `marks` returns what happened, as
 * [unix second, shape, words], `unusable` names what is hatched, `band` the range of what is to come. `zoomed` is called with the unix seconds, from and to, that
 * somebody has drawn over.
 */
export class LoadChart {
  #plot;
  #height;
  #marks;
  #unusable;
  #zoomed;
  #range = null;
  #live = true;
  #scale = 1;
  #known = 0; // values up to now; those after them are to come
  #ahead = NOTHING;
  #level = "normal";
  #readout = element("p", { class: "readout", "aria-hidden": "true" });
  #frame = element("div", { class: "chart", role: "img" });
  #keys = Object.fromEntries(["cars", "base load", "limit", "not usable", "without new cars"].map((name) => [name, key(name)]));
  #legend = element("p", { class: "legend", "aria-hidden": "true" });
  #resized;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#plot?.redraw(false, true);

  constructor(place, { height = () => HEIGHT, marks = () => [], unusable = () => "", band = "80 % range", zoomed = null } = {}) {
    [this.#height, this.#marks, this.#unusable, this.#zoomed] = [height, marks, unusable, zoomed];
    this.#keys.band = key(band, "80 % range");
    this.#legend.append(...spaced(...Object.values(this.#keys)));
    this.#frame.style.setProperty("height", `${height()}px`);
    place.append(this.#readout, this.#frame, this.#legend);
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(this.#frame);
    this.#scheme.addEventListener("change", this.#redraw);
  }

  /**
   * Draw [loads, limits, base loads, rated limits], one each `stepS`, that end with `second`; loads count base loads. `range` is
   * what of them is shown, [from, to], null for all. `ahead` is what is to come: see outlook.js. `name` is for screen readers.
   */
  show(name, second, [loads, limits, bases, rated], { stepS = 1, range = null, ahead = NOTHING } = {}) {
    this.#range = range;
    this.#live = stepS === 1 && !range;
    this.#ahead = range ? NOTHING : ahead;
    this.#known = loads.length;
    const carriesBase = bases.some(Boolean);
    const at = loads.findLastIndex((load) => load !== null);
    this.#level = at < 0 ? "normal" : levelOf(loads[at], limits[at]);
    const seconds = Array.from(loads, (_, n) => second - (loads.length - 1 - n) * stepS);
    const data = extended([seconds, loads, carriesBase ? bases : loads.map(() => null), limits, rated], this.#ahead.points);
    attribute(this.#keys["base load"], "hidden", !carriesBase);
    attribute(this.#keys["not usable"], "hidden", !rated.some((each, n) => each > limits[n] + 0.05));
    attribute(this.#keys["without new cars"], "hidden", !this.#ahead.points.length);
    attribute(this.#keys.band, "hidden", !this.#ahead.points.some((point) => point.p90_kw !== null));
    if (this.#ahead.points.length) text(this.#keys["without new cars"].lastChild, ` without new cars: ${atEnd(this.#ahead.points)}`);
    if (this.#plot) this.#set(data);
    else if (this.#frame.clientWidth) this.#plot = this.#made(data);
    this.#read(this.#plot);
    if (second % 10 === 0 || !this.#frame.ariaLabel) this.#frame.ariaLabel = described(name, stepS, loads, limits, bases) + toCome(this.#ahead.points);
  }

  end() {
    this.#resized.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
    this.#plot?.destroy();
    for (const each of [this.#readout, this.#frame, this.#legend]) each.remove();
  }

  #set(data) {
    this.#plot.series[1].width = this.#level === "normal" ? 1.5 : 3;
    this.#plot.setData(data);
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
    const hooks = { setCursor: [(plot) => this.#read(plot)], draw: [(plot) => this.#draw(plot)], setSelect: [(plot) => this.#select(plot)] };
    this.#scale = textScale();
    const made = options(this.#frame.clientWidth, this.#height(), hooks);
    made.series[1].stroke = () => lineColour(this.#level);
    made.scales.x.range = (_, from, to) => this.#range ?? [from, to];
    made.cursor.drag = { x: Boolean(this.#zoomed), y: false, setScale: false };
    return new uPlot(made, data, this.#frame);
  }

  #draw(plot) {
    const [seconds, loads, , limits, rated] = plot.data;
    const last = Math.max(this.#newest(seconds), 0);
    drawMarks(plot, this.#marks()); // below the words
    drawUnusable(plot, seconds, limits, rated, this.#unusable());
    drawLimit(plot, limits[last], rated[last] > limits[last] + 0.05);
    drawNow(plot, seconds[last], loads[last], this.#level, this.#ahead.points.length > 0);
  }

  #select(plot) {
    const { left, width } = plot.select;
    if (width < LEAST_ZOOM_PX) return;
    const [from, to] = [left, left + width].map((px) => plot.posToVal(px, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (to - from >= LEAST_ZOOM_S) this.#zoomed([Math.floor(from), Math.ceil(to)]);
  }

  /** Return where the newest value is that is shown. */
  #newest(seconds) {
    if (!this.#range) return this.#known - 1;
    return Math.min(seconds.findLastIndex((second) => second <= this.#range[1]), this.#known - 1);
  }

  /** Show the values under the cursor, or the newest ones. */
  #read(plot) {
    if (!plot) return;
    const [seconds] = plot.data;
    const { left, idx } = plot.cursor;
    const pointed = idx !== null && idx !== undefined && left >= 0;
    const last = Math.max(this.#newest(seconds), 0);
    const at = pointed ? Math.min(idx, seconds.length - 1) : last;
    const found = pointed ? this.#marks().filter(([second]) => Math.abs(plot.valToPos(second, "x") - left) <= NEAR_PX) : [];
    const format = seconds[last] - seconds[0] > DAY_S ? moment : (ms) => hours(ms);
    const when = pointed || !this.#live ? format(seconds[at] * 1000) : "Now";
    const coming = at >= this.#known;
    const [level, values] = coming ? ["normal", expected(this.#ahead.points[at - this.#known])] : valuesAt(plot.data, at);
    attribute(this.#readout, "data-level", level);
    const words = [coming ? `${when}, in ${ago(seconds[at] - seconds[last])}` : when, values, ...found.map(([, shape, each]) => `${shape} ${each}`)];
    text(this.#readout, words.join(" · "));
  }
}

function levelOf(load, limit) {
  const share = limit ? load / limit : 0;
  return share > 1.00005 ? "critical" : share > NEAR ? "warning" : "normal";
}

/** Return the level and the words of what was known at a place of the data. */
function valuesAt([, loads, bases, limits], at) {
  if (loads[at] === null || loads[at] === undefined) return ["normal", "no data"];
  const base = bases[at] ? `, base load ${kw(bases[at])} of it` : "";
  const level = levelOf(loads[at], limits[at]);
  const state = { critical: "▲ over limit, ", warning: "△ near limit, ", normal: "" }[level];
  return [level, `${state}${kw(loads[at])} of ${kw(limits[at])}, ${percent(limits[at] ? loads[at] / limits[at] : 0)}${base}`];
}

function expected({ kw: mean, p10_kw: low, p90_kw: high }) {
  return `${kw(mean)} without new cars${low === null ? "" : ` (${kw(low).replace(" kW", "")} to ${kw(high)})`}`;
}

/** Return what is carried at the last of some points to come, and when that is. */
function atEnd(points) {
  const last = points.at(-1);
  return `${kw(last.kw)} in ${ago(last.within_s)}`;
}

function toCome(points) {
  return points.length ? `; without new cars ${atEnd(points)}` : "";
}

/** Return the data of the plot: what is known, and after it what is to come, which begins at the newest value. */
function extended([seconds, loads, bases, limits, rated], points) {
  const now = seconds.length - 1;
  const [unknown, coming] = [points.map(() => null), (of) => [...seconds.map(() => null), ...points.map(of)]];
  const [low, high, means, base] = ["p10_kw", "p90_kw", "kw", "base_kw"].map((name) => coming((point) => point[name]));
  if (points.length) {
    [means[now], base[now]] = [loads[now], bases[now]];
    if (points[0].p10_kw !== null) low[now] = high[now] = loads[now];
  }
  return [
    [...seconds, ...points.map((point) => seconds[now] + point.within_s)], [...loads, ...unknown], [...bases, ...unknown],
    [...limits, ...points.map(() => limits[now])], [...rated, ...points.map(() => rated[now])], low, high, means, base,
  ];
}

function key(name, look = name) {
  return element("span", {}, element("span", { class: "key", "data-key": look }), element("span", {}, ` ${name}`));
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

/** Return the texts of an axis of power; the highest has the unit. */
function powers(ticks) {
  return ticks.map((tick, at) => `${tick.toLocaleString("en")}${at === ticks.length - 1 ? " kW" : ""}`);
}

function options(width, height, hooks) {
  const scale = textScale();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: font(AXIS_PX) };
  const line = { points: { show: false }, spanGaps: false };
  return {
    width, height, hooks, legend: { show: false },
    cursor: { y: false, points: { show: false }, sync: { key: "loads" } },
    padding: [8, (plot) => widest(plot, ["00-00 00:00"], AXIS_PX) / 2 + 2, 0, 0], // half of a time at the end of its axis
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.1] } },
    axes: [
      { ...axis, size: 22 * scale, space: 58 * scale, values: (plot, ticks) => times(ticks).map((each, at) => (ticks[at] > plot.scales.x.max ? null : each)) }, // where there is room for one alone, it may lie outside
      { ...axis, size: (plot, texts) => Math.ceil(Math.max(44 * scale, widest(plot, texts ?? [], AXIS_PX) + 10)), space: 30 * scale, values: (_, ticks) => powers(ticks) },
    ],
    series: [
      {},
      { ...line, stroke: colour("--series-1"), fill: colour("--bar-ground"), width: 1.5 },
      { ...line, stroke: colour("--base-load"), fill: colour("--base-load"), width: 1 },
      { ...line, stroke: colour("--limit"), width: 1.5, dash: [6, 4] },
      { ...line, width: 0 }, // rated: what lies above the limit is hatched
      { ...line, width: 0 }, // the range of what is to come
      { ...line, width: 0 },
      { ...line, stroke: colour("--series-1"), width: 2, dash: [3, 4] },
      { ...line, stroke: colour("--base-load"), width: 1.5, dash: [3, 4] },
    ],
    bands: [{ series: [6, 5], fill: () => `${colour("--series-1")()}38` }],
  };
}
