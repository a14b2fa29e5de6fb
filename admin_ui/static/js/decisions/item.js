// One decision: the request, its result and reason, and the candidates with their loads at that time.

import { attribute, element, spaced, text } from "../lib/dom.js";
import { ago, clock, kw, moment, percent } from "../lib/format.js";

const MARKS = { placed: "●", waits: "◷", refused: "✕", open: "○" };

/** Keeps one `<li>` in step with a decision; with `linked` the vehicle links to its story. */
export class DecisionItem {
  #parts = {};
  #candidates = element("ul", { class: "candidates", hidden: true });
  #button;
  #decision;

  constructor(decision, linked = true) {
    const id = `candidates-${decision.number}`;
    this.#candidates.id = id;
    this.#button = element("button", { type: "button", class: "quiet small", "aria-expanded": "false", "aria-controls": id, click: () => this.#turn() }, "");
    const vehicle = linked
      ? element("a", { href: `/decisions?vehicle_id=${encodeURIComponent(decision.vehicle_id)}` }, decision.vehicle_id)
      : element("span", {}, decision.vehicle_id);
    for (const name of ["mark", "words"]) this.#parts[name] = element("span", { class: name });
    this.node = element(
      "li", { class: "decision" },
      element(
        "p", { class: "facts" },
        ...spaced(
          element("time", { datetime: new Date(decision.unix_ms).toISOString(), title: moment(decision.unix_ms) }, clock(decision.unix_ms)),
          element("span", { class: "vehicle" }, vehicle), element("span", {}, `${decision.demand_kw} kW`),
          element("span", { class: "soft" }, decision.policy), decision.attempt ? element("span", {}, `attempt ${decision.attempt + 1}`) : null,
        ),
      ),
      element("p", { class: "choice" }, this.#parts.mark), element("p", { class: "why" }, this.#parts.words, " ", this.#button), this.#candidates,
    );
    this.update(decision);
  }

  /** Show the newest state of the decision. */
  update(decision) {
    this.#decision = decision;
    attribute(this.node, "data-kind", decision.kind);
    text(this.#parts.mark, `${MARKS[decision.kind]} ${decision.chosen ? `${decision.chosen}: ` : ""}${decision.came_of_it}`);
    text(this.#parts.words, decision.words);
    const count = decision.candidates.length + decision.left_out;
    attribute(this.#button, "hidden", count ? null : "");
    text(this.#button, `${this.#open ? "Hide" : "Show"} ${count} candidate${count === 1 ? "" : "s"}`);
  }

  get #open() {
    return !this.#candidates.hidden;
  }

  #turn() {
    this.#candidates.hidden = this.#open;
    attribute(this.#button, "aria-expanded", String(this.#open));
    if (this.#open) {
      const { candidates, left_out: leftOut } = this.#decision;
      const more = leftOut ? [element("li", { class: "soft" }, `${leftOut} more had a higher load or could not be used.`)] : [];
      this.#candidates.replaceChildren(...candidates.map(candidate), ...more);
    }
    this.update(this.#decision);
  }
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
