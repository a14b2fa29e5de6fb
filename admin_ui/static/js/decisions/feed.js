// The latest decisions, live: a bounded list that pauses while the user reads it: points at it, focuses on it, or has scrolled down.

import { ask } from "../lib/address.js";
import { EarlierDecisions } from "./earlier.js";
import { DecisionFilters } from "./filters.js";
import { DecisionItem } from "./item.js";
import { decisionTable } from "./table.js";
import { attribute, element, spaced, text } from "../lib/dom.js";

const EVERY_MS = 1000;
const MOST = 150; // rows
const MOST_AT_ONCE = 20; // more in a second cannot be read: they wait until the burst is over
const MOST_KNOWN = 2000; // decisions among which the filters look
const SETTLED = new Set(["placed", "refused"]);

export class DecisionFeed {
  #list;
  #table;
  #filters;
  #earlier;
  #all = new Map(); // by number: the decisions that were shown or could be
  #matching = element("p", { class: "soft", hidden: true });
  #new = element("button", { type: "button", class: "quiet", hidden: true, click: () => this.#show() });
  #pause = element("button", { type: "button", class: "quiet", "aria-pressed": "false", click: () => this.#press() }, "Pause");
  #missed = element("span", { class: "soft" });
  #notice = element("p", { class: "notice", hidden: true });
  #empty = element("div", { class: "panel nothing", hidden: true });
  #items = new Map(); // by number
  #kept = new Map(); // what arrived while the list is paused
  #newest = 0;
  #numbers = null; // the feed whose numbers these are: they begin again with the console
  #searched = "{}";
  #heard = false;
  #leftOut = 0;
  #pointed = false;
  #burst = false;
  #timer = 0;
  #on = false;

  constructor(place, view) {
    [this.#table, this.#list] = decisionTable("Decisions, newest first");
    const filters = element("div", { class: "filters", role: "group", "aria-label": "Filter decisions" });
    this.#filters = new DecisionFilters(filters, view, () => this.#again());
    this.#empty.append(
      element("p", {}, "No decisions yet. No car has sent a request, or the balancer has just started."),
      element("p", {}, "Charge a car as the tutorial shows, or start a ", element("a", { href: "/rush-hour" }, "rush hour"), ". Decisions appear here within a second."),
    );
    place.append(
      filters, element("div", { class: "feed-head" }, ...spaced(this.#pause, this.#new, this.#missed)), this.#notice, this.#empty, this.#matching,
      element("div", { class: "table-frame" }, this.#table),
    );
    this.#earlier = new EarlierDecisions(place);
    view.addEventListener("change", () => this.#search());
    this.#list.addEventListener("pointerenter", () => { this.#pointed = true; });
    this.#list.addEventListener("pointerleave", () => { this.#pointed = false; this.#flush(); });
    this.#list.addEventListener("focusout", () => setTimeout(() => this.#flush()));
    document.addEventListener("scroll", () => { if (window.scrollY <= 0) this.#flush(); }, { passive: true });
  }

  /** Start or stop following the decisions. */
  run(on) {
    if (on === this.#on) return;
    this.#on = on;
    clearTimeout(this.#timer);
    if (on) void this.#ask();
  }

  /** Look for what the filters want among all that balancers keep, too. */
  #search() {
    const query = JSON.stringify(this.#filters.query);
    if (query === this.#searched || !this.#heard) return; // once it is known what the list shows
    this.#searched = query;
    void this.#earlier.show(this.#filters.active ? this.#filters.query : null, this.#shown());
  }

  /** What of the decisions the list shows, or will: their ids. It knows more than it shows. */
  #shown() {
    const rows = [...this.#items.values()].map(({ decision }) => decision);
    return new Set([...rows, ...this.#kept.values()].map(({ id }) => id));
  }

  /** Offer the substations of the fleet, the policies, and the balancers where there are several, as filters. */
  offer(substations, policies, balancers) {
    this.#filters.offer("substation", substations);
    this.#filters.offer("policy", policies ?? []);
    this.#filters.several(balancers);
    attribute(this.#table, "data-several", balancers.length ? "" : null);
    this.#earlier.several(balancers.length > 0);
  }

  get #paused() {
    return this.#pointed || this.#burst || window.scrollY > 0 || this.#list.contains(document.activeElement) || this.#pause.getAttribute("aria-pressed") === "true";
  }

  /** Show what has waited, at the top of the page, where the list goes on by itself. */
  #show() {
    this.#flush(true);
    window.scrollTo(0, 0);
  }

  #press() {
    const on = this.#pause.getAttribute("aria-pressed") !== "true";
    attribute(this.#pause, "aria-pressed", String(on));
    this.#flush();
  }

  async #ask() {
    if (!document.hidden) {
      const answer = await ask(`/api/decisions?after=${this.#after()}`).catch(() => null);
      const read = answer?.ok ? await answer.json().catch(() => null) : null;
      this.#take(read ?? { decisions: [], fault: "The console does not answer. Retrying every second." }, Boolean(read));
    }
    if (this.#on) this.#timer = setTimeout(() => this.#ask(), EVERY_MS);
  }

  /** The number to ask from: just before the oldest of the latest hundred decisions that are still open. */
  #after() {
    const known = [...this.#all.values(), ...this.#kept.values()];
    const open = known.filter((each) => !SETTLED.has(each.kind) && each.number > this.#newest - 100).map((each) => each.number);
    return open.length ? Math.min(...open) - 1 : this.#newest;
  }

  #take({ decisions, fault, feed }, heard) {
    attribute(this.#notice, "hidden", fault ? null : "");
    text(this.#notice, fault);
    if (heard && this.#numbers !== feed) this.#forget();
    if (heard) this.#numbers = feed;
    const between = (decisions.at(-1)?.number ?? 0) - this.#newest - 1;
    if (this.#newest > 0 && between > 0) this.#leftOut += between;
    text(this.#missed, this.#leftOut ? `${this.#leftOut} decisions came too fast to be shown. Use the search to find them.` : "");
    const before = this.#newest;
    for (const decision of decisions.toReversed()) {
      const item = this.#items.get(decision.number);
      if (item) {
        item.decision = decision;
        item.item.update(decision);
        this.#all.set(decision.number, decision);
      } else if (this.#all.has(decision.number)) {
        this.#all.set(decision.number, decision);
        if (this.#filters.wants(decision)) this.#again(); // a request that waited was refused
      } else {
        if (!this.#kept.has(decision.number) && decision.number > this.#newest) this.#newest = decision.number;
        this.#kept.set(decision.number, decision);
      }
    }
    this.#burst = before > 0 && decisions.filter(({ number }) => number > before).length > MOST_AT_ONCE;
    while (this.#kept.size > MOST) this.#kept.delete(this.#kept.keys().next().value);
    attribute(this.#empty, "hidden", fault || this.#all.size || this.#kept.size ? "" : null);
    this.#flush();
    this.#heard ||= heard;
    this.#search();
  }

  #forget() {
    for (const { item } of this.#items.values()) item.remove();
    this.#items.clear();
    this.#kept.clear();
    this.#all.clear();
    this.#newest = this.#leftOut = 0;
  }

  #add(number, decision) {
    const item = new DecisionItem(decision);
    this.#place(item);
    this.#items.set(number, { item, decision });
  }

  /** Put a row below those that are newer: what comes late from a balancer that hung has a later number, and an earlier time. */
  #place(added) {
    let below = null;
    for (const { item } of [...this.#items.values()].reverse()) {
      if (item.unixMs <= added.unixMs) break;
      below = item;
    }
    if (below) below.nodes.at(-1).after(...added.nodes);
    else this.#list.prepend(...added.nodes);
  }

  #trim() {
    for (const [number, { item }] of this.#items) {
      if (this.#items.size <= MOST) break;
      item.remove();
      this.#items.delete(number);
    }
    for (const number of this.#all.keys()) {
      if (this.#all.size <= MOST_KNOWN) break;
      this.#all.delete(number);
    }
  }

  /** Fill the table again, by other filters. */
  #again() {
    for (const { item } of this.#items.values()) item.remove();
    this.#items.clear();
    for (const [number, decision] of [...this.#all].filter(([, each]) => this.#filters.wants(each)).slice(-MOST)) this.#add(number, decision);
    this.#showMatching();
  }

  #showMatching() {
    attribute(this.#matching, "hidden", this.#filters.active ? null : "");
    text(this.#matching, `${this.#items.size} of the newest ${this.#all.size} decisions match.`);
    attribute(this.#table, "hidden", this.#items.size ? null : "");
  }

  #flush(now = false) {
    if (now || !this.#paused) {
      for (const [number, decision] of this.#kept) {
        this.#all.set(number, decision);
        if (this.#filters.wants(decision)) this.#add(number, decision);
      }
      this.#kept.clear();
      this.#trim();
    }
    this.#showMatching();
    const hadFocus = document.activeElement === this.#new;
    attribute(this.#new, "hidden", this.#kept.size ? null : "");
    text(this.#new, `Show ${this.#kept.size} new`);
    if (hadFocus && this.#new.hidden) this.#pause.focus();
    text(this.#pause, this.#pause.getAttribute("aria-pressed") === "true" ? "Paused" : "Pause");
  }
}
