// The details of one substation: how it stands, what an operator can do, its figures, its load of the last 15 minutes and its
// sessions. Technical facts are folded.

import { attribute, element, spaced, text } from "../lib/dom.js";
import * as grafana from "../lib/grafana.js";
import { KEPT_S } from "./history.js";
import { ChartTable } from "./chart_table.js";
import { LoadChart } from "./load_chart.js";
import { Outlook } from "./outlook.js";
import { carried } from "../lib/carried.js";
import { assumed, conditions, stateWords } from "../lib/conditions.js";
import { Forecast } from "./forecast.js";
import { Standing } from "./standing.js";
import { fill } from "./substation_actions.js";
import { address } from "../lib/sessions_link.js";
import { age, count, kw, percent, trend } from "../lib/format.js";

const carriesBase = (row) => Boolean(row.base_load_kw);

// title, figure, when it is shown (null: always), the sessions that it counts
const FIGURES = [
  ["Load", (row) => kw(carried(row)), null],
  ["Cars", (row) => kw(row.load_kw), carriesBase],
  ["Base load", (row) => `${kw(row.base_load_kw)}${row.base_load_stale ? ` (⌁ its meter is silent: ${assumed(row)})` : ""}`, carriesBase],
  ["Kept for the base load", (row) => kw(row.kept_kw), (row) => row.kept_kw > 0],
  ["Limit", (row) => kw(row.capacity_kw), null],
  ["Headroom", (row) => (row.left_out ? `${kw(row.headroom_kw)} (takes no new cars)` : kw(row.headroom_kw)), null],
  ["Utilization", (row) => percent(row.utilization), null],
  ["Trend", (row) => ((row.stale ? null : trend(row.trend_kw_s, row.capacity_kw)) ?? ["–"]).join(" ").trim(), null],
  ["Peak, 15 min", (row) => kw(row.peak_kw), null],
  ["Sessions", (row) => count(row.sessions), null, {}],
  ["Paused sessions", (row) => `${count(row.paused)} (they need ${kw(row.owed_kw)} to resume)`, (row) => row.paused > 0, { state: "paused" }],
];
const TECHNICAL = [
  ["Grid clock", (row) => row.grid_time, (row) => Boolean(row.grid_time)],
  ["Rated limit", (row) => kw(row.rated_kw), (row) => Boolean(row.rated_kw)],
  ["Report", (row, ageS) => `${row.stale ? "◷ " : ""}${age(ageS)} old`, null],
  ["Address", (row) => row.url, null],
  ["Journal", (row) => row.journal_id, null],
];

/** The panel in `place`, visible while the view names a substation. */
export class SubstationPanel {
  #place;
  #stream;
  #history;
  #view;
  #table;
  #orders; // in force
  #name = "";
  #cells = [];
  #meanings = element("ul", { class: "meanings" });
  #chart = null;
  #chartTable = null;
  #outlook = null;
  #forecast = null;
  #standing = null;

  constructor(place, stream, history, view, table, orders) {
    [this.#place, this.#stream, this.#history, this.#view, this.#table, this.#orders] = [place, stream, history, view, table, orders];
    orders.addEventListener("change", () => this.update());
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
    this.#standing.update(row);
    for (const [place, cell, of, when] of this.#cells) {
      const shown = !when || (row && when(row));
      attribute(place, "hidden", !shown);
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
    this.#standing?.end();
    this.#standing = null;
    this.#name = name;
    attribute(this.#place, "hidden", !name);
    if (!name) {
      this.#place.replaceChildren();
      if (before) this.#table.focus(before);
      return;
    }
    const heading = element("h2", { id: "substation-title", tabindex: "-1" }, name);
    const chart = element("div", { class: "panel-chart" });
    const [state, sessions] = [element("div"), element("section", { "aria-label": `Sessions of ${name}` })];
    const actions = element("div", { class: "actions" });
    const forecast = element("div");
    const figures = element("details", { class: "figures" }, element("summary", {}, "Chart data as a table"));
    this.#cells = [];
    this.#meanings = element("ul", { class: "meanings" });
    this.#place.replaceChildren(
      element("div", { class: "panel-head" }, ...spaced(heading, grafana.link(grafana.newest(KEPT_S), name, name), element("button", { type: "button", class: "quiet", click: () => this.#close() }, "Close"))),
      state, this.#meanings, actions, this.#list(FIGURES), chart, figures, sessions, forecast,
      element("details", { class: "technical" }, element("summary", {}, "Technical details"), this.#list(TECHNICAL)),
    );
    this.#standing = new Standing(state, sessions, this.#stream, name, this.#orders);
    this.#chart = new LoadChart(chart, { unusable: () => this.#unusable() });
    this.#chartTable = new ChartTable(figures);
    this.#forecast = new Forecast(forecast, name);
    fill(actions, this.#stream, name);
    this.#outlook = new Outlook(name);
    this.#draw();
    heading.focus();
  }

  #list(figures) {
    return element("dl", { class: "details" }, ...figures.map(([title, of, when, counted]) => {
      const cell = counted ? element("a", { href: address({ substation: this.#name, ...counted }) }) : element("dd");
      const place = element("div", { hidden: Boolean(when) }, element("dt", {}, title), counted ? element("dd", {}, cell) : cell);
      this.#cells.push([place, cell, of, when]);
      return place;
    }));
  }

  #unusable() {
    const row = this.#stream.state?.substations.find((each) => each.substation_id === this.#name);
    return row && row.rated_kw > row.capacity_kw ? `${kw(row.rated_kw - row.capacity_kw)} below the rated limit` : "";
  }

  #close() {
    this.#view.set({ substation: "" }, { step: true });
  }

  #draw() {
    if (!this.#chart) return;
    void this.#history.request([this.#name], KEPT_S);
    void this.#outlook.request(KEPT_S);
    const newest = this.#history.newest(this.#name, KEPT_S);
    const row = this.#stream.live ? this.#stream.state?.substations.find((each) => each.substation_id === this.#name) : null;
    this.#chart.show(this.#name, this.#history.second, newest, { ahead: this.#outlook.of(row?.stale ? null : row) });
    this.#chartTable.show([[this.#name, newest]]);
  }
}
