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
  #more = element("button", { type: "button", class: "quiet", hidden: true, click: () => this.#press() }, "Show earlier matches");
  #query = null;
  #known = new Set();
  #next = null;
  #found = 0;
  #asked = 0;
  #missing = ""; // in words: whose decisions one of the pages lacks

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
    this.#missing = "";
    this.#body.replaceChildren();
    attribute(this.#table, "hidden", "");
    attribute(this.#more, "hidden", "");
    attribute(this.#section, "hidden", query ? null : "");
    this.#asked += 1;
    if (query) await this.#ask();
  }

  /** Say of each decision which balancer made it, where there are several. */
  several(on) {
    attribute(this.#table, "data-several", on ? "" : null);
  }

  #press() {
    if (this.#more.getAttribute("aria-disabled") !== "true") void this.#ask(); // a page is not shown twice
  }

  async #ask() {
    const asked = this.#asked;
    text(this.#says, "◷ Looking among all decisions that are kept");
    attribute(this.#more, "aria-disabled", "true");
    const wanted = new URLSearchParams(this.#next === null ? this.#query : { ...this.#query, before: this.#next });
    const answer = await request("GET", `/api/decisions/search?${wanted}`);
    if (asked !== this.#asked) return; // other filters have been chosen meanwhile
    attribute(this.#more, "aria-disabled", null);
    const { fault = answer.message, decisions = [], next = null } = answer.body;
    if (fault && !decisions.length && next === null) this.#fail(fault);
    else if (!this.#add(decisions, next, fault) && next !== null) await this.#ask(); // the live list has all of this page
  }

  /** Say why there is no page, and offer to ask for it again. */
  #fail(fault) {
    text(this.#says, `✕ ${fault}`);
    text(this.#more, "Try again");
    attribute(this.#more, "hidden", null);
  }

  /** Show a page, of the balancers that have answered; returns how many of it are new. */
  #add(decisions, next, fault) {
    const found = decisions.filter(({ id }) => !this.#known.has(id));
    for (const decision of found) this.#body.append(...new DecisionItem(decision).nodes);
    this.#found += found.length;
    this.#next = next;
    this.#missing = fault || this.#missing;
    attribute(this.#table, "hidden", this.#found ? null : "");
    attribute(this.#more, "hidden", next === null ? "" : null);
    text(this.#more, "Show earlier matches");
    const matches = `${count(this.#found)} earlier ${this.#found === 1 ? "decision matches" : "decisions match"}`;
    const all = this.#missing ? "." : ", of all that are kept.";
    text(this.#says, `${this.#missing ? `✕ ${this.#missing} ` : ""}${matches}${next === null ? all : " so far; there are more."}`);
    return found.length;
  }
}
