// The details of one substation: every figure, what is wrong with it, its load of the last 15 minutes.

import { attribute, element, spaced, text } from "../lib/dom.js";
import * as grafana from "../lib/grafana.js";
import { KEPT_S } from "./history.js";
import { ChartTable, LoadChart } from "./load_chart.js";
import { carried } from "../lib/carried.js";
import { assumed, conditions, stateWords } from "../lib/conditions.js";
import { Forecast } from "./forecast.js";
import { fill } from "./substation_actions.js";
import { age, kw, percent, trend } from "../lib/format.js";

const carriesBase = (row) => Boolean(row.base_load_kw);

// title, figure, when it is shown (default: always)
const FIGURES = [
  ["State", (row) => stateWords(row).slice(0, 2).join(" ").trim()],
  ["Load", (row) => kw(carried(row))],
  ["Cars", (row) => kw(row.load_kw), carriesBase],
  ["Base load", (row) => `${kw(row.base_load_kw)}${row.base_load_stale ? ` (⌁ its meter is silent: ${assumed(row)})` : ""}`, carriesBase],
  ["Kept for the base load", (row) => kw(row.kept_kw), (row) => row.kept_kw > 0],
  ["Limit", (row) => kw(row.capacity_kw)],
  ["Headroom", (row) => (row.left_out ? `${kw(row.headroom_kw)} (takes no new cars)` : kw(row.headroom_kw))],
  ["Utilization", (row) => percent(row.utilization)],
  ["Trend", (row) => ((row.stale ? null : trend(row.trend_kw_s, row.capacity_kw)) ?? ["–"]).join(" ").trim()],
  ["Peak, 15 min", (row) => kw(row.peak_kw)],
  ["Sessions", (row) => row.sessions],
  ["Paused sessions", (row) => `${row.paused} (they need ${kw(row.owed_kw)} to resume)`, (row) => row.paused > 0],
  ["Grid clock", (row) => row.grid_time, (row) => Boolean(row.grid_time)],
  ["Report", (row, ageS) => `${row.stale ? "◷ " : ""}${age(ageS)} old`],
  ["Address", (row) => row.url],
  ["Journal", (row) => row.journal_id],
];

/** The panel in `place`, visible while the view names a substation. */
export class SubstationPanel {
  #place;
  #stream;
  #history;
  #view;
  #table;
  #name = "";
  #cells = [];
  #meanings = element("ul", { class: "meanings" });
  #chart = null;
  #chartTable = null;
  #forecast = null;

  constructor(place, stream, history, view, table) {
    [this.#place, this.#stream, this.#history, this.#view, this.#table] = [place, stream, history, view, table];
    view.addEventListener("change", () => this.update());
    history.addEventListener("second", () => this.#draw());
    place.addEventListener("keydown", (event) => { if (event.key === "Escape") this.#close(); });
  }

  /** Show the newest figures of the substation that the view names. */
  update() {
    const name = this.#view.get("substation");
    if (name !== this.#name) this.#open(name);
    if (!name || !this.#stream.state) return;
    const row = this.#stream.state.substations.find((each) => each.substation_id === name);
    attribute(this.#place, "data-level", row ? stateWords(row)[2] : "normal");
    for (const [cell, of, when] of this.#cells) {
      const shown = !when || (row && when(row));
      attribute(cell.parentElement, "hidden", !shown);
      if (shown) text(cell, row ? of(row, this.#stream.ageS(row)) : "–");
    }
    const meanings = row ? conditions(row).map((each) => `${each.shape} ${each.word}: ${each.meaning}`)
      : ["The balancer knows no substation with this id. Check the id; the substation may have been removed."];
    if (this.#meanings.dataset.text !== meanings.join()) {
      this.#meanings.dataset.text = meanings.join();
      this.#meanings.replaceChildren(...meanings.map((meaning) => element("li", {}, meaning)));
    }
  }

  #open(name) {
    const before = this.#name;
    this.#chart?.end();
    this.#chart = null;
    this.#forecast?.end();
    this.#forecast = null;
    this.#name = name;
    attribute(this.#place, "hidden", !name);
    if (!name) {
      this.#place.replaceChildren();
      if (before) this.#table.focus(before);
      return;
    }
    const heading = element("h2", { id: "substation-title", tabindex: "-1" }, name);
    const chart = element("div", { class: "panel-chart" });
    const actions = element("div", { class: "actions" });
    const forecast = element("div");
    const figures = element("details", { class: "figures" }, element("summary", {}, "Chart data as a table"));
    this.#cells = FIGURES.map(([, of, when]) => [element("dd"), of, when]);
    this.#meanings = element("ul", { class: "meanings" });
    this.#place.replaceChildren(
      element("div", { class: "panel-head" }, ...spaced(heading, grafana.link(grafana.newest(KEPT_S), name, name), element("button", { type: "button", class: "quiet", click: () => this.#close() }, "Close"))),
      this.#meanings, actions, chart, figures, forecast,
      element("dl", { class: "details" }, ...FIGURES.map(([title, , when], n) => element("div", { hidden: Boolean(when) }, element("dt", {}, title), this.#cells[n][0]))),
    );
    this.#chart = new LoadChart(chart);
    this.#chartTable = new ChartTable(figures);
    this.#forecast = new Forecast(forecast, name);
    fill(actions, this.#stream, name);
    void this.#history.request([name], KEPT_S);
    this.#draw();
    heading.focus();
  }

  #close() {
    this.#view.set({ substation: "" }, { step: true });
  }

  #draw() {
    if (!this.#chart) return;
    const newest = this.#history.newest(this.#name, KEPT_S);
    this.#chart.show(this.#name, this.#history.second, newest);
    this.#chartTable.show([[this.#name, newest]]);
  }
}
