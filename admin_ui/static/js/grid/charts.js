// Charts of load and limit: a wide one of the fleet, and on demand small ones of the first substations of the table.

import { element, text } from "../lib/dom.js";
import { FLEET, KEPT_S } from "./history.js";
import { ChartTable } from "./chart_table.js";
import { LoadChart } from "./load_chart.js";
import { Outlook, UNKNOWN, unusableWords } from "./outlook.js";
import { Past } from "./past.js";

const FLEET_SHARE = 0.26; // of the height of the window
const FLEET_LEAST = 220; // in px
const MOST = 12;

/**
 * The charts in `place`: that of the fleet, with `marks` and what is to come, and with `all` as many as MOST. `totals` returns
 * the fleet's. `zoomed` is called with the unix seconds, from and to, that somebody has drawn over with the pointer.
 */
export class OverviewCharts {
  #place;
  #history;
  #charts = new Map();
  #table;
  #marks;
  #spanS = KEPT_S;
  #zoom = null;
  #zoomed;
  #past = new Past();
  #outlook = new Outlook(FLEET);
  #totals;
  #details = element("details", { class: "figures" }, element("summary", {}, "Charts as a table"));

  constructor(place, history, { marks, totals, zoomed }) {
    [this.#place, this.#history, this.#marks, this.#totals, this.#zoomed] = [place, history, marks, totals, zoomed];
    place.after(this.#details);
    this.#table = new ChartTable(this.#details);
    this.#details.addEventListener("toggle", () => this.draw());
    history.addEventListener("second", () => this.draw());
    this.#past.addEventListener("change", () => this.draw());
    this.#outlook.addEventListener("change", () => this.draw());
  }

  /** Show the newest `spanS` seconds, or those of `zoom` ([from, to]), of the fleet and of the first of `ids`. */
  show(ids, all, spanS, zoom) {
    [this.#spanS, this.#zoom] = [spanS, zoom];
    const names = [FLEET, ...(all ? ids.slice(0, MOST - 1) : [])];
    const stay = new Set(names);
    for (const [name, { chart, figure }] of this.#charts) {
      if (stay.has(name)) continue;
      chart.end();
      figure.remove();
      this.#charts.delete(name);
    }
    names.forEach((name, at) => {
      if (!this.#charts.has(name)) this.#charts.set(name, this.#make(name));
      const { figure } = this.#charts.get(name);
      if (this.#place.children[at] !== figure) this.#place.insertBefore(figure, this.#place.children[at] ?? null);
    });
    this.draw();
  }

  draw() {
    const series = [];
    const names = [...this.#charts.keys()];
    const spanS = this.#zoom && this.#history.second ? Math.max(this.#history.second - this.#zoom[0] + 1, 1) : this.#spanS;
    const seconds = spanS <= KEPT_S; // are kept one by one
    if (seconds) void this.#history.request(names, spanS);
    else if (this.#zoom) void this.#past.request(names, Math.max(this.#zoom[1] - this.#zoom[0], 1), this.#zoom[1]);
    else void this.#past.request(names, spanS, null);
    if (!this.#zoom && names.length) void this.#outlook.request(this.#spanS);
    if (this.#details.open) void this.#history.request([...this.#charts.keys()], KEPT_S);
    for (const [name, { chart, title }] of this.#charts) {
      const known = seconds ? { second: this.#history.second, stepS: 1, series: this.#history.newest(name, spanS) } : this.#past.of(name);
      if (known) chart.show(title, known.second, known.series, { stepS: known.stepS, range: this.#zoom, ahead: name === FLEET ? this.#outlook.of(this.#totals()) : UNKNOWN });
      if (this.#details.open) series.push([title, this.#history.newest(name, KEPT_S)]);
    }
    if (this.#details.open) this.#table.show(series);
  }

  #make(name) {
    const title = name === FLEET ? "All usable substations" : name;
    const figure = element("figure", { class: name === FLEET ? "panel of-fleet" : "panel" }, element("figcaption", {}, title));
    const look = name === FLEET ? {
      height: () => Math.max(FLEET_LEAST, Math.round(innerHeight * FLEET_SHARE)), marks: this.#marks, zoomed: this.#zoomed, band: "widest range",
      unusable: () => unusableWords(this.#totals()),
    } : { zoomed: this.#zoomed };
    const entry = { chart: new LoadChart(figure, look), figure, title };
    this.#place.append(figure);
    return entry;
  }
}

/** Update the button that shows more charts or fewer. */
export function chartsButton(button, all, count) {
  text(button, all ? "The fleet's chart only" : count < MOST ? "A chart of each substation" : `Charts of the first ${MOST - 1} substations`);
  button.setAttribute("aria-expanded", String(all));
}
