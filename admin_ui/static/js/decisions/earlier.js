// What the filters of the decisions find among all that balancers keep, a page at a time, below the live list.

import { DecisionItem } from "./item.js";
import { decisionTable } from "./table.js";
import { attribute, element, text } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { request } from "../lib/request.js";

export class EarlierDecisions {
  #section;
  #table;
  #body;
  #says = element("p", { class: "soft", role: "status" });
  #more = element("button", { type: "button", class: "quiet", hidden: true, click: () => void this.#ask() }, "Show earlier matches");
  #query = null;
  #known = new Set();
  #next = null;
  #found = 0;
  #asked = 0;

  constructor(place) {
    [this.#table, this.#body] = decisionTable("Earlier decisions that match, newest first");
    this.#section = element(
      "section", { class: "earlier", hidden: true, "aria-labelledby": "earlier-title" },
      element("h3", { id: "earlier-title" }, "Earlier decisions that match"), this.#says, element("div", { class: "table-frame" }, this.#table), this.#more,
    );
    place.append(this.#section);
  }

  /** Look for what a query wants (null: for nothing), without the decisions of these ids. */
  async show(query, known) {
    this.#query = query;
    this.#known = known;
    this.#next = null;
    this.#found = 0;
    this.#body.replaceChildren();
    attribute(this.#table, "hidden", "");
    attribute(this.#section, "hidden", query ? null : "");
    this.#asked += 1;
    if (query) await this.#ask();
  }

  async #ask() {
    const asked = this.#asked;
    text(this.#says, "◷ Looking among all decisions that the balancer keeps");
    attribute(this.#more, "aria-disabled", "true");
    const wanted = new URLSearchParams(this.#next === null ? this.#query : { ...this.#query, before: this.#next });
    const answer = await request("GET", `/api/decisions/search?${wanted}`);
    if (asked !== this.#asked) return; // other filters have been chosen meanwhile
    attribute(this.#more, "aria-disabled", null);
    const fault = answer.ok ? answer.body.fault : answer.message;
    if (fault) {
      text(this.#says, `✕ ${fault}`);
      return;
    }
    if (!this.#add(answer.body) && this.#next !== null) await this.#ask(); // the live list has all of this page
  }

  /** Show a page; returns how many of it are new. */
  #add({ decisions, next }) {
    const found = decisions.filter(({ id }) => !this.#known.has(id));
    for (const decision of found) this.#body.append(...new DecisionItem(decision).nodes);
    this.#found += found.length;
    this.#next = next;
    attribute(this.#table, "hidden", this.#found ? null : "");
    attribute(this.#more, "hidden", next === null ? "" : null);
    text(this.#more, "Show earlier matches");
    const matches = `${count(this.#found)} earlier ${this.#found === 1 ? "decision matches" : "decisions match"}`;
    text(this.#says, next === null ? `${matches}, of all that the balancer keeps.` : `${matches} so far; there are more.`);
    return found.length;
  }
}
