// The curves of the run in progress, or of the last one: load, admissions, refusals and response time over its seconds,
// with marks for what was changed on the grid. A cursor reads all of them at once; a table has the same figures.

import { ask } from "../lib/address.js";
import uPlot from "../../vendor/uplot.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { UNKNOWN, count, kw, latency } from "../lib/format.js";

const [HEIGHT, TALL, WIDE_PX] = [150, 240, 1800];
const FONT = "11px system-ui, sans-serif";
const NEAR_PX = 6; // of the cursor: a mark there is read
const MOST_POINTS = 1500;
const ROWS = 12; // of the table
const SHAPES = { policy: "◆", drained: "▽", restored: "△", limit: "⊤", stopped: "■" };

// title, format, lines as [name, of a point, class of its colour, dash]
const CHARTS = [
  ["Load", kw, [
    ["cars and base load", (point) => point.load_kw + point.base_load_kw, "--series-1", []],
    ["limit", (point) => point.capacity_kw, "--limit", [6, 4]],
  ]],
  ["Admissions", count, [
    ["admitted", (point) => point.admitted, "--series-1", []],
    ["sent", (point) => point.sent, "--soft", [4, 3]],
  ]],
  ["Refusals", count, [
    ["refused in the end", (point) => point.refused, "--series-4", []],
    ["waiting to retry", (point) => point.waiting, "--series-1", [4, 3]],
  ]],
  ["Response time", latency, [
    ["p95", (point) => point.p95_ms, "--series-1", []],
    ["p50", (point) => point.p50_ms, "--soft", [4, 3]],
  ]],
];

/** Draws the curves in `place`; call `update` with the newest state of the run. */
export class RushCurves {
  #place;
  #charts = [];
  #points = [];
  #runId = null;
  #asked = null;
  #marks = [];
  #seconds = 1;
  #table = element("tbody");
  #drawn = 0;

  constructor(place) {
    this.#place = place;
    const frame = element("div", { class: "rush-curves" });
    this.#charts = CHARTS.map((chart) => new Curve(frame, chart, () => this.#marks));
    const heads = ["Second", "Load", "Limit", "Sent", "Admitted", "Refused", "Waiting to retry", "p95"];
    place.append(
      frame,
      element("details", { class: "rush-figures" }, element("summary", {}, "Curves as a table"),
        element("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Curves as a table" },
          element("table", { class: "rush-table" },
            element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col", class: "number" }, head)))), this.#table))),
    );
  }

  /** Show the run as it is now; null hides the curves. */
  update(run) {
    const shown = run && run.sent !== null && run.run_id;
    attribute(this.#place, "hidden", !shown);
    if (!shown) return;
    if (run.run_id !== this.#runId) {
      [this.#runId, this.#points, this.#asked] = [run.run_id, [], null];
    }
    this.#seconds = run.seconds ?? 1;
    this.#marks = (run.changes ?? []).map(({ at_s: at, what, text: words }) => [Math.max(at, 0), SHAPES[what] ?? "◆", words]);
    const last = this.#points.at(-1)?.elapsed_s ?? -1;
    if (this.#asked === null || run.elapsed_s - last > 3) void this.#ask(run.run_id);
    else if (run.elapsed_s > last) this.#points.push({ ...run });
    if (this.#points.length > MOST_POINTS) this.#points = this.#points.filter((_, n) => n % 2 === 0);
    this.#draw();
  }

  /** Fetch the points of before this page was opened. */
  async #ask(runId) {
    if (this.#asked === runId && this.#points.length && performance.now() - this.#drawn < 2000) return;
    this.#asked = runId;
    const answer = await ask("/api/rush/curve").catch(() => null);
    const curve = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!curve || curve.run_id !== this.#runId) return;
    const past = curve.points.map((values) => Object.fromEntries(curve.fields.map((name, n) => [name, values[n]])));
    const newest = past.at(-1)?.elapsed_s ?? -1;
    this.#points = [...past, ...this.#points.filter((point) => point.elapsed_s > newest)];
    this.#draw();
  }

  #draw() {
    if (!this.#points.length) return;
    this.#drawn = performance.now();
    for (const chart of this.#charts) chart.show(this.#points, this.#seconds);
    if (this.#table.closest("details").open || !this.#table.rows.length) this.#fillTable();
  }

  #fillTable() {
    const points = this.#points;
    const wanted = new Set(Array.from({ length: ROWS }, (_, n) => Math.round((n * (points.length - 1)) / (ROWS - 1))));
    const rows = [...wanted].map((n) => points[n]).map((point) => [
      point.elapsed_s.toFixed(1), kw(point.load_kw + point.base_load_kw), kw(point.capacity_kw), count(point.sent), count(point.admitted),
      count(point.refused), count(point.waiting), latency(point.p95_ms),
    ]);
    while (this.#table.rows.length > rows.length) this.#table.lastChild.remove();
    rows.forEach((cells, n) => {
      const row = this.#table.rows[n] ?? this.#table.appendChild(element("tr", {}, ...cells.map(() => element("td", { class: "number" }))));
      cells.forEach((cell, at) => text(row.cells[at], cell));
    });
  }
}

class Curve {
  #plot = null;
  #frame = element("div", { class: "chart", role: "img" });
  #readout = element("p", { class: "readout", "aria-hidden": "true" });
  #chart;
  #marks;

  constructor(place, chart, marks) {
    this.#chart = chart;
    this.#marks = marks;
    const [title, , lines] = chart;
    const legend = lines.map(([name, , colour], n) => element("span", {}, element("span", { class: n ? "key dashed" : "key", "data-colour": colour.slice(2) }), ` ${name}`));
    place.append(element(
      "figure", {}, element("figcaption", {}, element("strong", {}, title), " ", element("span", { class: "legend", "aria-hidden": "true" }, ...spaced(...legend))),
      this.#readout, this.#frame,
    ));
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#frame.clientWidth, height: height() })).observe(this.#frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot?.redraw(false, true));
  }

  show(points, seconds) {
    const data = [points.map((point) => point.elapsed_s), ...this.#chart[2].map(([, of]) => points.map((point) => of(point) ?? null))];
    this.seconds = seconds;
    if (this.#plot) this.#plot.setData(data);
    else if (this.#frame.clientWidth) this.#plot = new uPlot(this.#options(), data, this.#frame);
    this.#read(this.#plot);
    const [title, words, lines] = this.#chart;
    const now = lines.map(([name], n) => `${name} ${words(data[n + 1].at(-1))}`).join(", ");
    const marks = this.#marks().map(([at, , what]) => `; after ${Math.round(at)} s ${what}`).join("");
    attribute(this.#frame, "aria-label", `${title} over ${Math.round(data[0].at(-1))} s: ${now}${marks}`);
  }

  #read(plot) {
    if (!plot) return;
    const [, words, lines] = this.#chart;
    const { left, idx } = plot.cursor;
    const pointed = idx !== null && idx !== undefined && left >= 0;
    const at = pointed ? idx : plot.data[0].length - 1;
    const values = lines.map(([name], n) => `${name} ${plot.data[n + 1][at] === null ? UNKNOWN : words(plot.data[n + 1][at])}`);
    const near = pointed ? this.#marks().filter(([second]) => Math.abs(plot.valToPos(second, "x") - left) <= NEAR_PX) : [];
    text(this.#readout, [`${plot.data[0][at].toFixed(0)} s`, ...values, ...near.map(([, shape, what]) => `${shape} ${what}`)].join(" · "));
  }

  #options() {
    const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: FONT };
    const [, , lines] = this.#chart;
    const unit = this.#chart[0] === "Response time" ? " ms" : "";
    return {
      width: this.#frame.clientWidth, height: height(), legend: { show: false }, padding: [8, 12, 0, 0],
      cursor: { y: false, points: { show: false }, sync: { key: "rush" }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.#read(plot)], draw: [(plot) => drawMarks(plot, this.#marks(), colour("--soft")())] },
      scales: {
        x: { time: false, range: (_, __, last) => [0, Math.max(last ?? 0, this.seconds)] },
        y: { range: (_, __, most) => [0, Math.max(most ?? 0, 1) * 1.08] },
      },
      axes: [
        { ...axis, size: 22, space: 50, values: (_, ticks) => ticks.map((tick) => `${tick} s`) },
        { ...axis, size: (_, texts) => Math.max(44, 12 + 7 * Math.max(0, ...(texts ?? []).map((each) => each.length))), space: 34, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) || unit ? `${tick.toLocaleString("en")}${unit}` : "")) },
      ],
      series: [{}, ...lines.map(([, , name, dash]) => ({ stroke: colour(name), width: 1.5, dash, points: { show: false }, spanGaps: false }))],
    };
  }
}

/** Return the height of a chart: more on a large screen. */
function height() {
  return innerWidth >= WIDE_PX ? TALL : HEIGHT;
}

/** Draw a line with its shape for each change. */
function drawMarks(plot, marks, colour) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.setLineDash([2, 3]);
  for (const [second, shape] of marks) {
    const x = Math.round(plot.valToPos(second, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + 14 * devicePixelRatio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(shape, x, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}
