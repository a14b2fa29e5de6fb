// Which balancers there are, where there are several: how each stands, its share of the decisions, what it has to do.

import { attribute, element, text } from "../lib/dom.js";
import { clock, count, moment, percent, UNKNOWN } from "../lib/format.js";

const DAY_MS = 86_400_000;
const STATES = { up: ["", "up"], waiting: ["◷", "can place no car"], lost: ["✕", "lost"] };
const LEVELS = { up: "normal", waiting: "warning", lost: "warning" }; // as the alarm: the others go on
// title, class
const COLUMNS = [
  ["Balancer", ""], ["State", "state"], ["Decisions a minute", "number decisions"], ["Share", "number share"],
  ["In flight", "number"], ["Waiting", "number"], ["Order book", "book"], ["Version", "version"],
];

/** Keeps a table of the balancers in `place`. */
export class BalancerTable {
  #rows = new Map();
  #body = element("tbody", { role: "rowgroup" });

  constructor(place) {
    const heads = COLUMNS.map(([title, kind]) => element("th", { scope: "col", role: "columnheader", class: kind || null }, title));
    place.append(element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Balancer table" },
      element("table", { class: "balancers", role: "table", "aria-labelledby": "balancers-title" },
        element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)), this.#body)));
  }

  update(balancers) {
    const names = new Set(balancers.map(({ name }) => name));
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue;
      row.node.remove();
      this.#rows.delete(name);
    }
    for (const [at, balancer] of balancers.entries()) {
      const row = this.#rows.get(balancer.name) ?? new BalancerRow(balancer.name);
      this.#rows.set(balancer.name, row);
      if (this.#body.children[at] !== row.node) this.#body.insertBefore(row.node, this.#body.children[at] ?? null);
      row.update(balancer);
    }
  }
}

class BalancerRow {
  #shape = element("span", { class: "shape", "aria-hidden": "true" });
  #word = element("span");
  #because = element("span", { class: "because" });
  #figures;
  #book = element("span");
  #bookFault = element("span", { class: "because" });

  constructor(name) {
    const cell = (label, kind, ...children) => element("td", { role: "cell", class: kind, "data-label": label }, ...children);
    this.#figures = Object.fromEntries(["decisions", "share", "in_flight", "waiting", "version"].map((each) => [each, element("span")]));
    const { decisions, share, in_flight: flight, waiting, version } = this.#figures;
    this.node = element(
      "tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, name), cell("State", "state", this.#shape, " ", this.#word, " ", this.#because),
      cell("Decisions a minute", "number decisions", decisions), cell("Share", "number share", share), cell("In flight", "number", flight),
      cell("Waiting", "number", waiting), cell("Order book", "book", this.#book, " ", this.#bookFault), cell("Version", "version", version),
    );
  }

  update(row) {
    const [shape, word] = STATES[row.state];
    attribute(this.node, "data-level", LEVELS[row.state]);
    text(this.#shape, shape);
    attribute(this.#shape, "hidden", shape ? null : "");
    text(this.#word, `${word}${since(row)}`);
    text(this.#because, because(row));
    attribute(this.#because, "hidden", because(row) ? null : "");
    const up = row.state !== "lost";
    text(this.#figures.decisions, up || row.decisions ? count(row.decisions) : UNKNOWN);
    text(this.#figures.share, percent(row.share));
    text(this.#figures.in_flight, count(row.in_flight));
    text(this.#figures.waiting, count(row.waiting));
    text(this.#figures.version, row.version ?? UNKNOWN);
    text(this.#book, up ? `${row.book_fault ? "✕ out of reach" : "in reach"}, ${(row.book_id ?? "").slice(0, 8)}` : UNKNOWN);
    attribute(this.#book, "title", row.book_id);
    text(this.#bookFault, row.book_fault);
    attribute(this.#bookFault, "hidden", row.book_fault ? null : "");
  }
}

/** Return since when a balancer is up or lost; its process tells when it was started. */
function since({ state, started_unix_ms: started, heard_unix_s: heard }) {
  const at = state === "lost" ? heard && heard * 1000 : started;
  if (!at) return "";
  return ` since ${Math.abs(Date.now() - at) < DAY_MS ? clock(at) : moment(at)}`;
}

/** Return why a balancer is not simply up: what it waits for, and which substations it can't reach though others do. */
function because({ why, unreached, unreached_count: all }) {
  const more = all > unreached.length ? ` and ${count(all - unreached.length)} more` : "";
  const blind = all ? `It does not reach ${unreached.join(", ")}${more}, which other balancers do.` : "";
  return [why ? `${why[0].toUpperCase()}${why.slice(1)}.` : "", blind].filter(Boolean).join(" ");
}
