// The load of each substation against its limit while a rush hour goes on: the worst first, from the console's stream.

import { attribute, element, text } from "../lib/dom.js";
import { carried } from "../lib/carried.js";
import { StableOrder, stateWords } from "../lib/conditions.js";
import { kw, percent } from "../lib/format.js";
import { sessionsLink } from "../lib/sessions_link.js";

const MOST = 24; // more are on the overview
const NUMBERS = new Set(["Load", "Limit", "Utilization", "Sessions"]);
const BAR_TO = 1.1; // of the limit

/** Keeps a table; rows are moved and filled in place. */
export class RushLoads {
  #rows = new Map();
  #order = new StableOrder();

  constructor(place) {
    const head = ["Substation", "Load against limit", "Load", "Limit", "Utilization", "Sessions", "State"];
    this.body = element("tbody");
    this.more = element("p", { hidden: true });
    this.link = element("a", { href: "/" });
    this.more.append(this.link);
    place.append(
      element("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Load table" },
        element("table", { class: "rush-table" },
          element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col", class: NUMBERS.has(name) ? "number" : null }, name)))), this.body)),
      this.more,
    );
  }

  update(substations) {
    const shown = this.#order.sorted(substations, "worst", true).slice(0, MOST);
    const names = new Set(shown.map((row) => row.substation_id));
    for (const [name, row] of this.#rows) {
      if (!names.has(name)) {
        row.node.remove();
        this.#rows.delete(name);
      }
    }
    shown.forEach((row, place) => {
      const entry = this.#row(row.substation_id);
      if (this.body.children[place] !== entry.node) this.body.insertBefore(entry.node, this.body.children[place] ?? null);
      entry.fill(row);
    });
    const left = substations.length - shown.length;
    attribute(this.more, "hidden", substations.length > 0 && left <= 0);
    text(this.link, left > 0 ? `${left} more substations on the overview` : "No substations yet. See the overview");
  }

  #row(name) {
    const kept = this.#rows.get(name);
    if (kept) return kept;
    const fill = element("div", { class: "bar-fill" });
    const bar = element("div", { class: "bar", "aria-hidden": "true" }, fill, element("div", { class: "bar-limit" }));
    const cells = Array.from({ length: 5 }, () => element("td", { class: "number" }));
    attribute(cells[4], "class", "state");
    const [link, showSessions] = sessionsLink({ substation: name });
    cells[3].append(link);
    const node = element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, bar), ...cells);
    const entry = {
      node,
      fill: (row) => {
        const [shape, word, level] = stateWords(row);
        attribute(node, "data-level", level);
        fill.style.setProperty("width", `${Math.min(row.utilization / BAR_TO, 1) * 100}%`);
        showSessions(row.sessions);
        [[0, kw(carried(row))], [1, kw(row.capacity_kw)], [2, percent(row.utilization)], [4, `${shape} ${word}`.trim()]]
          .forEach(([index, value]) => text(cells[index], value));
      },
    };
    this.#rows.set(name, entry);
    return entry;
  }
}
