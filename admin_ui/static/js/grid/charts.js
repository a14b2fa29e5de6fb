// Charts of load and limit: a wide one of the fleet, and on demand small ones of the first substations of the table.

import { element, text } from "../lib/dom.js";
import { FLEET, KEPT_S } from "./history.js";
import { ChartTable, LoadChart } from "./load_chart.js";

const FLEET_SHARE = 0.26; // of the height of the window
const FLEET_LEAST = 220; // in px
const MOST = 12;

/** The charts in `place`: that of the fleet, with `marks`, and with `all` as many as MOST. */
export class OverviewCharts {
  #place;
  #history;
  #charts = new Map();
  #table;
  #marks;
  #spanS = KEPT_S;
  #details = element("details", { class: "figures" }, element("summary", {}, "Charts as a table"));

  constructor(place, history, marks) {
    [this.#place, this.#history, this.#marks] = [place, history, marks];
    place.after(this.#details);
    this.#table = new ChartTable(this.#details);
    this.#details.addEventListener("toggle", () => this.draw());
    history.addEventListener("second", () => this.draw());
  }

  /** Show `spanS` seconds of the fleet and of the first of `ids`. */
  show(ids, all, spanS) {
    this.#spanS = spanS;
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
    void this.#history.request(names, spanS);
    this.draw();
  }

  draw() {
    const series = [];
    if (this.#details.open) void this.#history.request([...this.#charts.keys()], KEPT_S);
    for (const [name, { chart, title }] of this.#charts) {
      chart.show(title, this.#history.second, this.#history.newest(name, this.#spanS));
      if (this.#details.open) series.push([title, this.#history.newest(name, KEPT_S)]);
    }
    if (this.#details.open) this.#table.show(series);
  }

  #make(name) {
    const title = name === FLEET ? "All usable substations" : name;
    const figure = element("figure", { class: name === FLEET ? "panel of-fleet" : "panel" }, element("figcaption", {}, title));
    const look = name === FLEET ? { height: () => Math.max(FLEET_LEAST, Math.round(innerHeight * FLEET_SHARE)), marks: this.#marks } : {};
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
