// One decision: a row with the request, its result and, where it is unusual, the reason; and a row with its candidates.

import { COLUMNS } from "./table.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { ago, clock, kw, moment, percent } from "../lib/format.js";

const MARKS = { placed: "●", waits: "◷", refused: "✕", open: "○" };

let made = 0; // rows, for the ids of their candidates

/** Keeps the rows of a decision; in a story (`whole`) the vehicle is no link, and each reason is shown. */
export class DecisionItem {
  #cells;
  #candidates = element("ul", { class: "candidates", role: "list" });
  #more;
  #button;
  #decision;
  #whole;
  #reason = element("span", { class: "reason" });

  constructor(decision, whole = false) {
    this.#whole = whole;
    const id = `candidates-${made += 1}`;
    this.#button = element("button", { type: "button", class: "quiet small", "aria-expanded": "false", "aria-controls": id, click: () => this.#turn() }, "");
    const vehicle = whole ? decision.vehicle_id : element("a", { href: `/decisions?vehicle_id=${encodeURIComponent(decision.vehicle_id)}` }, decision.vehicle_id);
    this.#cells = Object.fromEntries(COLUMNS.map(([, kind, number]) => [kind, element("td", { role: "cell", class: `${kind}${number ? " number" : ""}` })]));
    this.#cells.time.append(element("time", { datetime: new Date(decision.unix_ms).toISOString(), title: moment(decision.unix_ms) }, clock(decision.unix_ms)));
    this.#cells.vehicle.append(vehicle);
    text(this.#cells.power, `${decision.demand_kw} kW`);
    text(this.#cells["by-policy"], decision.policy);
    text(this.#cells["of-balancer"], decision.balancer);
    this.#cells.more.append(this.#button);
    this.#cells.why.append(this.#reason);
    this.node = element("tr", { role: "row", class: "decision" }, ...Object.values(this.#cells));
    this.#more = element("tr", { role: "row", class: "candidates-row", hidden: true }, element("td", { role: "cell", colspan: COLUMNS.length, id }, this.#candidates));
    this.update(decision);
  }

  /** When it was made. */
  get unixMs() {
    return this.#decision.unix_ms;
  }

  /** The rows, in the order in which they stand in the table. */
  get nodes() {
    return [this.node, this.#more];
  }

  remove() {
    for (const node of this.nodes) node.remove();
  }

  /** Show the newest state of the decision. */
  update(decision) {
    this.#decision = decision;
    const chosen = decision.candidates.find((each) => each.chosen);
    attribute(this.node, "data-kind", decision.kind);
    const [result, rest] = split(decision.came_of_it);
    text(this.#cells.result, `${MARKS[decision.kind]} ${result}${decision.attempt ? `, attempt ${decision.attempt + 1}` : ""}`);
    text(this.#cells.substation, decision.chosen ?? "–");
    text(this.#cells.share, chosen ? percent(chosen.after) : "–");
    text(this.#reason, this.#whole || !decision.usual ? [decision.words, rest].filter(Boolean).join(" ") : "");
    const count = decision.candidates.length + decision.left_out;
    attribute(this.#button, "hidden", count ? null : "");
    text(this.#button, `${count} candidate${count === 1 ? "" : "s"}`);
    attribute(this.#button, "aria-label", `${this.#open ? "Hide" : "Show"} ${count} candidate${count === 1 ? "" : "s"} for ${decision.vehicle_id}`);
  }

  get #open() {
    return !this.#more.hidden;
  }

  #turn() {
    this.#more.hidden = this.#open;
    attribute(this.#button, "aria-expanded", String(this.#open));
    if (this.#open) {
      const { candidates, left_out: leftOut, words } = this.#decision;
      const more = leftOut ? [element("li", { class: "soft" }, `${leftOut} more had a higher load or could not be used.`)] : [];
      this.#candidates.replaceChildren(element("li", { class: "soft words" }, words), ...candidates.map(candidate), ...more);
    }
    this.update(this.#decision);
  }
}

/** Return what came of a decision in a word or two, and the rest as a sentence, "" where there is none. */
function split(words) {
  const at = words.search(/[,:;] /);
  if (at < 0) return [words, ""];
  const rest = words.slice(at + 2);
  return [words.slice(0, at), `${rest[0].toUpperCase()}${rest.slice(1)}.`];
}

/** One candidate: its estimate, what the request would add, and the limit at the end of the bar. */
function candidate(each) {
  const bar = element("span", { class: "estimate-bar", "aria-hidden": "true" }, element("span", { class: "before" }), element("span", { class: "added" }));
  const [before, added] = bar.children;
  before.style.setProperty("width", `${Math.min(each.before, 1) * 100}%`);
  added.style.setProperty("width", `${Math.max(Math.min(each.after, 1) - Math.min(each.before, 1), 0) * 100}%`);
  const mark = `${each.chosen ? "●" : each.why_not ? "✕" : "○"} ${each.verdict}`;
  return element(
    "li", { class: "candidate", "data-chosen": each.chosen ? "" : null, "data-out": each.why_not ? "" : null },
    ...spaced(
      element("span", { class: "name" }, each.name), element("span", { class: "verdict" }, mark), bar,
      element("span", { class: "sum" }, `${kw(each.estimate_kw)} + ${each.demand_kw} kW of ${kw(each.capacity_kw)} = ${percent(each.after)}`),
      element("span", { class: "soft" }, `${each.state}${each.draining ? ", draining" : ""}, report ${ago(each.report_age_s)} old`),
    ),
  );
}
