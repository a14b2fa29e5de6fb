// The page of all open sessions: filters in the address, a page of the list, refreshed while nobody points at it.
//
// Nothing is kept: each page is asked for anew, after or before the cursor of a session.

import { attribute, element, spaced, text } from "../lib/dom.js";
import { clock, count, zone } from "../lib/format.js";
import { pauseMs } from "../lib/pace.js";
import { request } from "../lib/request.js";
import { View } from "../lib/view.js";
import { ORDERS, SessionTable, usual } from "./table.js";

const TYPED_MS = 300;
const MOST_NAMED = 3; // substations that do not answer
const FIRST = { after: "", before: "" };
const byId = (id) => document.getElementById(id);

/** Fill the page. */
export function start(stream) {
  new SessionsPage(stream).start();
}

class SessionsPage {
  #stream;
  #view = new View();
  #table;
  #busy = element("p", { "aria-hidden": "true" });
  #where = element("p");
  #pager = element("nav", { class: "pager", "aria-label": "Pages of sessions" });
  #turns = {};
  #page = null; // as it came last
  #asked = 0;
  #timer = 0;
  #typing = 0;
  #names = "";

  constructor(stream) {
    this.#stream = stream;
    this.#table = new SessionTable({ changed: () => void this.#ask(), sort: (by) => this.#sort(by), caption: "Open sessions" });
    for (const [name, label] of [["first", "« First"], ["previous", "‹ Previous"], ["next", "Next ›"]]) {
      this.#turns[name] = element("button", { type: "button", class: "quiet", click: () => this.#turn(name) }, label);
      this.#pager.append(this.#turns[name]);
    }
    byId("sessions").append(
      element("div", { class: "list-line" }, this.#where, this.#busy), this.#pager,
      element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Table of sessions" }, this.#table.node),
    );
    byId("order").append(...ORDERS.map(([sort, dir, name]) => element("option", { value: `${sort} ${dir}` }, name)));
  }

  start() {
    const search = byId("search");
    if (search.value && !this.#view.get("q")) this.#view.set({ q: search.value }); // typed before this script ran
    this.#view.addEventListener("change", () => { this.#read(); void this.#ask(true); });
    search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#view.set({ q: search.value.trim(), ...FIRST }), TYPED_MS);
    });
    for (const name of ["substation", "state"]) byId(name).addEventListener("change", () => this.#view.set({ [name]: byId(name).value, ...FIRST }, { step: true }));
    byId("order").addEventListener("change", () => this.#order(...byId("order").value.split(" ")));
    byId("clear").addEventListener("click", () => this.#clear());
    byId("filters").addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(this.#typing);
      this.#view.set({ q: search.value.trim(), ...FIRST });
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) void this.#ask(); });
    this.#stream.addEventListener("state", () => this.#fillSubstations());
    this.#read();
    void this.#ask(true);
  }

  get #sortBy() {
    const sort = this.#view.get("sort", "start");
    return [sort, this.#view.get("dir", usual(sort))];
  }

  #sort(by) {
    const [now, dir] = this.#sortBy;
    this.#order(by, now === by ? (dir === "down" ? "up" : "down") : usual(by));
  }

  #order(sort, dir) {
    this.#view.set({ sort: sort === "start" ? "" : sort, dir: dir === usual(sort) ? "" : dir, ...FIRST }, { step: true });
  }

  #clear() {
    byId("search").value = "";
    this.#view.set({ q: "", substation: "", state: "", ...FIRST }, { step: true });
    byId("search").focus();
  }

  #turn(name) {
    if (this.#turns[name].getAttribute("aria-disabled") === "true") return;
    const to = name === "first" ? FIRST : name === "next" ? { after: this.#page.next, before: "" } : { before: this.#page.previous, after: "" };
    this.#view.set(to, { step: true });
  }

  /** Show in the controls what the address says. */
  #read() {
    const search = byId("search");
    if (document.activeElement !== search || !this.#view.get("q")) search.value = this.#view.get("q");
    this.#fillSubstations();
    byId("state").value = this.#view.get("state");
    byId("order").value = this.#sortBy.join(" ");
    attribute(byId("clear"), "hidden", this.#filtered ? null : "");
  }

  get #filtered() {
    return Boolean(this.#view.get("q") || this.#view.get("substation") || this.#view.get("state"));
  }

  #fillSubstations() {
    const chosen = this.#view.get("substation");
    const names = [...new Set([...(this.#stream.state?.substations ?? []).map((row) => row.substation_id), ...(chosen ? [chosen] : [])])];
    const place = byId("substation");
    if (names.join() !== this.#names) {
      this.#names = names.join();
      names.sort(new Intl.Collator("en", { numeric: true }).compare);
      place.replaceChildren(element("option", { value: "" }, "All"), ...names.map((name) => element("option", { value: name }, name)));
    }
    if (place.value !== chosen) place.value = chosen;
  }

  /** Ask for the page that the address names; `turned` says that the user has asked for another one. */
  async #ask(turned = false) {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const [sort, dir] = this.#sortBy;
    const wanted = { sort, dir, search: this.#view.get("q") };
    for (const name of ["substation", "state", "after", "before"]) wanted[name] = this.#view.get(name);
    const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    attribute(byId("export"), "href", `/sessions/export?${query}`); // which leaves the page out
    if (turned) {
      attribute(this.#table.node, "aria-busy", "true");
      text(this.#busy, "◷ Loading");
    }
    const beganMs = performance.now();
    const answer = document.hidden && !turned ? null : await request("GET", `/api/sessions?${query}`);
    if (asked !== this.#asked) return; // a newer one is on its way
    this.#timer = setTimeout(() => this.#ask(), pauseMs(beganMs, answer?.body.faults?.length));
    if (!answer) return;
    attribute(this.#table.node, "aria-busy", null);
    if (answer.ok) this.#show(answer.body, turned, sort, dir);
    else this.#fail(answer.message, turned);
  }

  #fail(message, turned) {
    text(this.#busy, this.#page ? "✕ not updated" : "");
    this.#notices([element("p", { class: "notice" }, `✕ The sessions can't be shown: ${message} `, this.#view.get("after") || this.#view.get("before") ? this.#toFirst() : null)]);
    if (turned) text(byId("announced"), `The sessions can't be shown: ${message}`);
  }

  #show(page, turned, sort, dir) {
    const held = !turned && this.#table.held;
    if (held) this.#table.refresh(page.sessions);
    else {
      this.#page = page;
      this.#table.show(page.sessions, sort, dir);
      this.#showWhere(page);
    }
    const missing = page.faults.length ? " at the substations that answer" : "";
    text(byId("counts"), `${count(page.charging + page.paused)} open${missing}: ${count(page.charging)} charging, ${count(page.paused)} paused`);
    text(this.#busy, held ? `As of ${clock(Date.now())}; rows keep their places while you point at them` : `As of ${clock(Date.now())}`);
    this.#notices(faultNotices(page));
    if (turned) text(byId("announced"), `${this.#where.textContent || "No sessions"}. ${page.faults.length ? `${page.faults.length} of ${page.substations} substations did not answer.` : ""}`);
  }

  #showWhere(page) {
    const shown = page.sessions.length;
    const kind = this.#filtered ? "matching" : "open";
    text(this.#where, shown ? `${count(page.first + 1)} to ${count(page.first + shown)} of ${count(page.matching)} ${kind} ${page.matching === 1 ? "session" : "sessions"}, times in ${zone(Date.now())}` : "");
    attribute(this.#turns.first, "aria-disabled", page.first > 0 ? null : "true");
    attribute(this.#turns.previous, "aria-disabled", page.previous ? null : "true");
    attribute(this.#turns.next, "aria-disabled", page.next ? null : "true");
    attribute(this.#pager, "hidden", page.previous || page.next ? null : "");
    attribute(byId("sessions"), "hidden", shown ? null : "");
    attribute(byId("nothing"), "hidden", shown ? "" : null);
    if (!shown) byId("nothing").replaceChildren(...(page.matching ? this.#past() : nothing(page, this.#view)));
  }

  /** Return what to say where all sessions of this page and of later ones have ended. */
  #past() {
    return [element("p", {}, "The sessions that were here have ended."), element("p", {}, this.#toFirst())];
  }

  #toFirst() {
    return element("button", { type: "button", class: "quiet", click: () => this.#view.set(FIRST, { step: true }) }, "Show the first page");
  }

  #notices(notices) {
    const place = byId("faults");
    const words = notices.map((each) => each.textContent).join("\n");
    if (place.dataset.shown === words) return;
    place.dataset.shown = words;
    place.replaceChildren(...notices);
  }
}

/** Return the notices of the substations that are not in the list: a few by name, of more than that the number. */
function faultNotices({ faults, substations }) {
  const named = faults.slice(0, MOST_NAMED).map(faultNotice);
  const others = faults.slice(MOST_NAMED);
  if (!others.length) return named;
  const sessions = others.reduce((sum, each) => sum + each.sessions, 0);
  return [...named, element("p", { class: "notice" }, `◇ Nor are ${count(others.length)} more of the ${count(substations)} substations. Their last reports had ${count(sessions)} ${sessions === 1 ? "session" : "sessions"}.`)];
}

function faultNotice({ substation_id: name, why, sessions }) {
  return element("p", { class: "notice" },
    ...spaced(element("span", {}, "◇"), element("a", { href: `/?substation=${encodeURIComponent(name)}` }, name),
      element("span", {}, `is not in this list: ${why}. Its last report had ${count(sessions)} ${sessions === 1 ? "session" : "sessions"}.`)));
}

/** Return what to say where there is no row. */
function nothing(page, view) {
  const searched = view.get("q");
  if (searched) {
    return [
      element("p", {}, `No open session has an ID, or a vehicle with an ID, that begins with “${searched}”.`),
      element("p", {}, element("a", { href: `/decisions?find=${encodeURIComponent(searched)}` }, "Look for it among ended sessions and decisions")),
    ];
  }
  if (view.get("substation") || view.get("state")) return [element("p", {}, "No open session matches these filters.")];
  if (page.faults.length || !page.substations) return [element("p", {}, page.substations ? "No session is known at the substations that answer." : "No substation is known yet, so there is no session to list.")];
  return [element("p", {}, "No open sessions. A car appears here as soon as it is admitted, and leaves when its session ends.")];
}
