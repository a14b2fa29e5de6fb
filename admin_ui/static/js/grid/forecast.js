// The base load of one substation: measured in the last 24 h of grid time, and expected, with a band, in the next 24 h.

import { ask } from "../lib/address.js";
import uPlot from "../../vendor/uplot.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { kw } from "../lib/format.js";

const HEIGHT = 130;
const EVERY_MS = 5000;
const LEAST_KW = 0.5; // less is shown as 0 kW
const [DAY, HOUR] = [96, 4]; // in quarter hours

/** Keeps chart and table up to date in `place`, which is hidden where there is no base load to expect. */
export class Forecast {
  #place = element("section", { class: "forecast", hidden: true, "aria-label": "Forecast" });
  #frame = element("div", { class: "chart", role: "img" });
  #body = element("tbody");
  #plot = null;
  #name;
  #timer = 0;
  #resized;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #redraw = () => this.#plot?.redraw(false, true);

  constructor(place, name) {
    this.#name = name;
    const heads = ["Grid time", "Expected", "80 % range"].map((head) => element("th", { scope: "col" }, head));
    this.#place.append(
      element("h3", {}, "Base load: the last 24 h and the next"), this.#frame,
      element("p", { class: "legend", "aria-hidden": "true" }, ...spaced(...["measured", "expected", "80 % range"].map(key))),
      element("details", { class: "figures" }, element("summary", {}, "Forecast as a table"),
        element("table", {}, element("thead", {}, element("tr", {}, ...heads)), this.#body)),
    );
    place.append(this.#place);
    this.#resized = new ResizeObserver(() => this.#plot?.setSize({ width: this.#frame.clientWidth, height: HEIGHT }));
    this.#resized.observe(this.#frame);
    this.#scheme.addEventListener("change", this.#redraw);
    void this.#ask();
  }

  end() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#resized.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
    this.#plot?.destroy();
    this.#place.remove();
  }

  async #ask() {
    const answer = document.hidden ? null : await ask(`/api/forecast?${new URLSearchParams({ substation_id: this.#name })}`, { cache: "no-store" }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => null) : null;
    if (this.#timer === null) return;
    if (found) this.#show(found);
    this.#timer = setTimeout(() => this.#ask(), EVERY_MS);
  }

  #show({ measured, expected }) {
    const any = expected.some((step) => step.p90_kw >= LEAST_KW);
    attribute(this.#place, "hidden", !any);
    if (!any) return;
    const first = expected[0].slot;
    const slots = Array.from({ length: 2 * DAY }, (_, n) => first - DAY + n);
    const of = (rows, name) => {
      const known = new Map(rows.map((row) => [row.slot, row[name]]));
      return slots.map((slot) => known.get(slot) ?? null);
    };
    const data = [slots, of(expected, "p10_kw"), of(expected, "p90_kw"), of(measured, "kw"), of(expected, "mean_kw")];
    if (this.#plot) this.#plot.setData(data);
    else if (this.#frame.clientWidth) this.#plot = new uPlot(options(this.#frame.clientWidth), data, this.#frame);
    this.#frame.ariaLabel = described(this.#name, expected);
    const rows = expected.filter((step) => step.slot % HOUR === 0);
    while (this.#body.rows.length > rows.length) this.#body.lastChild.remove();
    rows.forEach((step, n) => {
      const row = this.#body.rows[n] ?? this.#body.appendChild(element("tr", {}, element("th", { scope: "row" }), element("td", { class: "number" }), element("td", { class: "number" })));
      [`${step.weekday} ${step.time}`, kw(step.mean_kw), range(step)].forEach((value, cell) => text(row.cells[cell], value));
    });
  }
}

function described(name, expected) {
  const peak = expected.reduce((highest, step) => (step.mean_kw > highest.mean_kw ? step : highest));
  return `Base load of ${name} by the quarter hour. Expected peak in the next 24 h: ${kw(peak.mean_kw)} on ${peak.weekday} at ${peak.time}, 80 % range ${range(peak)}`;
}

function range({ p10_kw: low, p90_kw: high }) {
  return `${kw(low).replace(" kW", "")} to ${kw(high)}`;
}

function key(name) {
  return element("span", {}, element("span", { class: "key", "data-key": name }), ` ${name}`);
}

/** Return the time of day at which a quarter hour begins. */
function clock(slot) {
  const hour = Math.floor((((slot % DAY) + DAY) % DAY) / HOUR);
  return `${String(hour).padStart(2, "0")}:00`;
}

function colour(name) {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(width) {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const line = { points: { show: false }, spanGaps: false };
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false }, padding: [6, 18, 0, 0], select: { show: false },
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.08] } },
    axes: [
      { ...axis, size: 22, space: 44, incrs: [12, 24, 48, 96], values: (_, ticks) => ticks.map(clock) },
      { ...axis, size: 46, space: 34, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")) },
    ],
    series: [
      {},
      { ...line, width: 0 }, // what lies between the first two is filled, below the lines
      { ...line, width: 0 },
      { ...line, stroke: colour("--text"), width: 1.5 },
      { ...line, stroke: colour("--series-1"), width: 1.5, dash: [6, 4] },
    ],
    bands: [{ series: [2, 1], fill: colour("--bar-ground") }],
  };
}
