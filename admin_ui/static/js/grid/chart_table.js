// The figures of charts as a table, for whoever does not see them.

import { attribute, element, text } from "../lib/dom.js";
import { kw } from "../lib/format.js";

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

/** Return the highest of some loads; null where none is known. */
export function peak(loads) {
  const highest = Math.max(...loads.filter((load) => load !== null));
  return Number.isFinite(highest) ? highest : null;
}
