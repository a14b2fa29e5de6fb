// All substations in one table, a page of rows at a time, worst first.
//
// Figures change in place. Rows move at most every SETTLE_MS, and never while a row has the focus or the pointer; then a
// button sorts them.

import { attribute, element, text } from "../lib/dom.js";
import { carried } from "../lib/carried.js";
import { StableOrder, abnormal, stateWords } from "../lib/conditions.js";
import { sparkline } from "./sparkline.js";
import { lowered } from "../orders/in_force.js";
import { age, count, hours, kw, moment, percent, trend } from "../lib/format.js";
import { sessionsLink } from "../lib/sessions_link.js";

export const PAGE_ROWS = 50;
const SETTLE_MS = 3000;
const DAY_MS = 86_400_000;
const SPARK_EVERY_S = 10;
const BAR_SPAN = 1.1; // of the limit: room to show what is above it

// name, sort, class
const COLUMNS = [
  ["Substation", "substation_id", ""],
  ["State", "worst", "state"],
  ["Load and limit", "load_kw", "load"],
  ["Headroom", "headroom_kw", "number minor"],
  ["Utilization", "utilization", "number share"],
  ["Last 15 min", "", "quarter"],
  ["Trend", "trend_kw_s", "trend"],
  ["Peak, 15 min", "peak_kw", "number minor"],
  ["Sessions", "sessions", "number minor"],
  ["Report", "report_age_s", "number"],
];

/** The table in `place`; `ids` are those on the current page; dispatches "change" when they change. */
export class SubstationTable extends EventTarget {
  ids = [];
  found = 0;
  #stream;
  #history;
  #view;
  #orders;
  #order = new StableOrder();
  #rows = new Map(); // on this page
  #heads = [];
  #body = element("tbody");
  #status = element("p", { class: "table-status" });
  #sortNow = element("button", { type: "button", class: "quiet", hidden: true, click: () => this.#sort() }, "Sort now");
  #pages = element("nav", { class: "pager", "aria-label": "Table pages" });
  #frame;
  #pointer = false;
  #sortedMs = 0;
  #sparkedS = 0;

  constructor(place, stream, history, view, orders) {
    super();
    [this.#stream, this.#history, this.#view, this.#orders] = [stream, history, view, orders];
    this.#frame = element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Substation table" },
      element("table", { class: "substations" }, element("thead", {}, this.#head()), this.#body));
    place.append(element("div", { class: "table-line" }, this.#status, this.#sortNow, this.#pages), this.#frame);
    this.#body.addEventListener("pointerover", (event) => { this.#pointer = event.pointerType === "mouse"; });
    this.#body.addEventListener("pointerleave", () => { this.#pointer = false; });
    view.addEventListener("change", () => this.#sort());
    history.addEventListener("second", () => this.#sparks(false));
    history.addEventListener("past", () => this.#sparks());
  }

  /** Show the newest figures. */
  update() {
    const rows = new Map(this.#stream.state.substations.map((row) => [row.substation_id, row]));
    const due = performance.now() - this.#sortedMs >= SETTLE_MS;
    const ids = due || !this.#sortedMs ? this.#wanted() : null;
    if (ids && (!this.#held() || !this.#sortedMs)) this.#place(ids);
    else if (ids) attribute(this.#sortNow, "hidden", same(ids.slice(0, PAGE_ROWS), this.ids));
    for (const [name, row] of this.#rows) {
      if (rows.has(name)) row.show(rows.get(name), this.#stream.ageS(rows.get(name)), because(rows.get(name), this.#orders));
      else this.#drop(name);
    }
  }

  /** Put the focus on a substation, if it is on this page. */
  focus(name) {
    (this.#rows.get(name)?.link ?? this.#frame).focus();
  }

  #head() {
    return element("tr", {}, ...COLUMNS.map(([name, sort, kind]) => {
      const head = element("th", { scope: "col", class: kind });
      if (sort) head.append(element("button", { type: "button", class: "sort", click: () => this.#by(sort) }, name));
      else head.append(name);
      this.#heads.push([head, sort]);
      return head;
    }));
  }

  #by(sort) {
    const now = this.#view.get("sort", "worst");
    const first = sort === "substation_id" ? "up" : "down";
    const other = first === "up" ? "down" : "up";
    const direction = now === sort && this.#view.get("dir", first) === first ? other : first;
    this.#view.set({ sort: sort === "worst" ? "" : sort, dir: direction === first ? "" : direction, page: "" });
  }

  #sort() {
    if (!this.#stream.state) return;
    this.#place(this.#wanted());
    this.update();
    this.#sparks();
  }

  #held() {
    return !this.#stream.live || this.#pointer || this.#body.contains(document.activeElement);
  }

  /** Return the ids of all pages that match the search, in order. */
  #wanted() {
    const sort = this.#view.get("sort", "worst");
    const down = this.#view.get("dir", sort === "substation_id" ? "up" : "down") === "down";
    const words = this.#view.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    const only = this.#view.get("abnormal") === "1";
    const rows = this.#stream.state.substations.filter((row) => (!only || abnormal(row))
      && words.every((word) => row.substation_id.toLowerCase().includes(word) || row.url.includes(word) || stateWords(row)[1].includes(word)));
    return this.#order.sorted(rows, sort, down).map((row) => row.substation_id);
  }

  #place(ids) {
    this.#sortedMs = performance.now();
    this.found = ids.length;
    const pages = Math.max(1, Math.ceil(ids.length / PAGE_ROWS));
    const page = Math.min(Math.max(Number(this.#view.get("page", "1")) || 1, 1), pages);
    const shown = ids.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS);
    const changed = !same(shown, this.ids);
    if (changed) this.#arrange(shown);
    this.ids = shown;
    this.#showStatus(page, pages);
    if (changed) {
      this.#sparks();
      this.dispatchEvent(new Event("change"));
    }
  }

  #arrange(ids) {
    const stay = new Set(ids);
    for (const name of [...this.#rows.keys()]) if (!stay.has(name)) this.#drop(name);
    ids.forEach((name, at) => {
      if (!this.#rows.has(name)) this.#rows.set(name, new TableRow(name, this.#view));
      const { node } = this.#rows.get(name);
      if (this.#body.children[at] !== node) this.#body.insertBefore(node, this.#body.children[at] ?? null);
    });
  }

  #drop(name) {
    const { node } = this.#rows.get(name);
    if (node.contains(document.activeElement)) this.#frame.focus();
    node.remove();
    this.#rows.delete(name);
  }

  #showStatus(page, pages) {
    const sort = this.#view.get("sort", "worst");
    const first = (page - 1) * PAGE_ROWS + 1;
    const range = pages > 1 ? `${count(first)} to ${count(first + this.ids.length - 1)} of ${count(this.found)}` : count(this.found);
    text(this.#status, `${range} ${this.found === 1 ? "substation" : "substations"}${sort === "worst" && this.#view.get("dir", "down") === "down" ? ", worst first" : ""}`);
    attribute(this.#sortNow, "hidden", true);
    for (const [head, by] of this.#heads) {
      const down = this.#view.get("dir", by === "substation_id" ? "up" : "down") === "down";
      if (by) attribute(head, "aria-sort", by === sort ? (down ? "descending" : "ascending") : null);
    }
    this.#turn(page, pages);
  }

  #turn(page, pages) {
    if (this.#pages.dataset.at === `${page}/${pages}`) return;
    this.#pages.dataset.at = `${page}/${pages}`;
    attribute(this.#pages, "hidden", pages === 1);
    const had = this.#pages.contains(document.activeElement) ? document.activeElement.dataset.turn : null;
    const to = (name, turn, at) => element("button", { type: "button", class: "quiet", "data-turn": turn, "aria-disabled": at < 1 || at > pages ? "true" : null,
      click: () => { if (at >= 1 && at <= pages) this.#view.set({ page: at === 1 ? "" : at }); } }, name);
    this.#pages.replaceChildren(to("‹ Previous", "back", page - 1), element("span", {}, `Page ${page} of ${pages}`), to("Next ›", "on", page + 1));
    if (had) this.#pages.querySelector(`[data-turn="${had}"]`).focus();
  }

  /** Draw the trends: all after a change of the rows or of the past, else each SPARK_EVERY_S. */
  #sparks(all = true) {
    void this.#history.requestMeans(this.ids);
    const { second } = this.#history;
    if (!all && second - this.#sparkedS < SPARK_EVERY_S && second >= this.#sparkedS) return;
    this.#sparkedS = second;
    for (const [name, row] of this.#rows) row.spark(this.#history.buckets(name));
  }
}

/** One row; `show` changes its figures in place. */
class TableRow {
  constructor(name, view) {
    this.link = element("a", { href: view.with({ substation: name }), click: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      view.set({ substation: name }, { step: true });
    } }, name);
    const [picture, draw] = sparkline();
    this.spark = draw;
    this.shape = element("span", { class: "shape", "aria-hidden": "true" });
    this.word = element("span");
    this.because = element("span", { class: "because" });
    this.fill = element("span", { class: "bar-fill" });
    this.base = element("span", { class: "bar-base" });
    this.load = element("span", { class: "bar-words" });
    this.arrow = element("span", { class: "arrow", "aria-hidden": "true" });
    this.way = element("span", { class: "way" });
    this.cells = COLUMNS.slice(1).map(([, , kind]) => element("td", { class: kind }));
    const [state, load, headroom, utilization, minute, going, peak, sessions, report] = this.cells;
    state.append(this.shape, this.word, " ", this.because);
    load.append(element("span", { class: "bar", "aria-hidden": "true" }, this.fill, this.base, element("span", { class: "bar-limit" })), this.load);
    minute.append(picture);
    going.append(this.arrow, this.way);
    this.figures = { headroom, utilization, peak, report };
    const [all, showAll] = sessionsLink({ substation: name });
    const [some, showPaused] = sessionsLink({ substation: name, state: "paused" });
    this.pausedToo = element("span", { hidden: true }, ", ", some);
    sessions.append(all, this.pausedToo);
    this.showSessions = (row) => {
      showAll(row.sessions);
      showPaused(`${count(row.paused)} paused`);
      attribute(this.pausedToo, "hidden", row.paused ? null : "");
    };
    this.node = element("tr", {}, element("th", { scope: "row" }, this.link), ...this.cells);
    this.link.dataset.substation = name;
  }

  show(row, ageS, why) {
    const [shape, words, level] = stateWords(row);
    attribute(this.node, "data-level", level);
    attribute(this.node, "data-stale", row.stale ? "" : null);
    text(this.shape, shape);
    text(this.word, shape ? ` ${words}` : words); // with a space, so that it is copied and read correctly
    text(this.because, why);
    const share = row.capacity_kw ? carried(row) / row.capacity_kw : 0;
    this.fill.style.setProperty("width", ofBar(share));
    this.base.style.setProperty("width", ofBar(row.capacity_kw ? (row.base_load_kw ?? 0) / row.capacity_kw : 0));
    text(this.load, `${kw(carried(row)).replace(" kW", "")} of ${kw(row.capacity_kw)}`);
    text(this.figures.headroom, kw(row.headroom_kw));
    text(this.figures.utilization, percent(share));
    text(this.figures.peak, kw(row.peak_kw));
    this.showSessions(row);
    text(this.figures.report, row.stale ? `◷ ${age(ageS)} old` : `${age(ageS)} old`);
    const [arrow, way, fast] = (row.stale ? null : trend(row.trend_kw_s, row.capacity_kw)) ?? ["", "–", ""];
    text(this.arrow, arrow);
    text(this.way, `${arrow ? " " : ""}${fast ? `${way} ${fast}` : way}`);
  }
}

/** Return since when a substation is in its abnormal state, and by whose order and why; "" when that is not known. */
function because(row, orders) {
  const [order] = orders.of(row) ?? [];
  const sinceMs = order?.at_unix_ms ?? (row.since_unix_s && (abnormal(row) || lowered(row)) ? row.since_unix_s * 1000 : null);
  const since = sinceMs === null ? "" : `since ${Date.now() - sinceMs < DAY_MS ? hours(sinceMs) : moment(sinceMs)}`;
  const limit = lowered(row) ? `limit lowered from ${kw(row.rated_kw)}` : "";
  return [limit, since, order ? `by ${order.who}: ${order.reason}` : ""].filter(Boolean).join(", ");
}

/** Return the width of a share of the limit in the bar. */
function ofBar(share) {
  return `${(Math.min(Math.max(share, 0), BAR_SPAN) / BAR_SPAN * 100).toFixed(1)}%`;
}

function same(one, other) {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}
