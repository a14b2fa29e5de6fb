// How a substation stands: its state, since when, by whom and why, when its last session ends, and which sessions end last.

import { attribute, element, spaced, text } from "../lib/dom.js";
import { stateWords } from "../lib/conditions.js";
import { clock, count, figure, hours, kw, moment } from "../lib/format.js";
import { pauseMs } from "../lib/pace.js";
import { request } from "../lib/request.js";
import { address } from "../lib/sessions_link.js";

const LISTED = 10;
const DAY_MS = 24 * 3600 * 1000;
const DID = {
  drain: () => "Drained",
  capacity: ({ value }) => `Limit lowered to ${kw(value)}`,
};

/** Keeps `state` and `sessions` up to date, two places of the panel, until it ends. */
export class Standing {
  #name;
  #stream;
  #timer = 0;
  #over = false;
  #state = element("p", { class: "standing-state" });
  #reasons = element("ul", { class: "standing" });
  #empty = element("p", { class: "standing-empty" });
  #body = element("tbody");
  #fault = element("p", { hidden: true });
  #table;
  #all;
  #orders;

  /** `orders` are those in force. */
  constructor(state, sessions, stream, name, orders) {
    [this.#name, this.#stream, this.#orders] = [name, stream, orders];
    state.append(this.#state, this.#reasons, this.#empty);
    this.#all = element("a", { href: address({ substation: name }) }, "All sessions");
    const heads = [["Vehicle", ""], ["kW now", "number"], ["kWh", "number"], ["Ends", "number"]];
    this.#table = element("table", { class: "last-sessions", hidden: true, "aria-label": "Sessions that end last" },
      element("thead", {}, element("tr", {}, ...heads.map(([head, kind]) => element("th", { scope: "col", class: kind || null }, head)))), this.#body);
    sessions.append(element("h3", {}, ...spaced(element("span", {}, "Sessions that end last"), this.#all)), this.#table, this.#fault);
    void this.#ask();
  }

  end() {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** Show what the newest row and the open alarms say. */
  update(row) {
    const words = row ? stateWords(row) : ["", "unknown", ""];
    text(this.#state, words.slice(0, 2).join(" ").trim());
    const known = row ? this.#orders.of(row) : [];
    const orders = known ?? [];
    const alarms = [...(this.#stream.state?.alarms?.calling ?? []), ...(this.#stream.state?.alarms?.muted ?? [])]
      .filter((each) => each.substation_id === this.#name && each.cleared_unix_s === null);
    const reasons = [
      ...orders.map((each) => [`${DID[each.order](each)} since ${since(each.at_unix_ms)} by ${each.who}: ${each.reason}`, null]),
      ...(row?.draining && known && !orders.some((each) => each.order === "drain") ? [["Drained, but not from this console: the audit log does not know by whom.", null]] : []),
      ...alarms.map((each) => [`${each.title} since ${since(each.raised_unix_s * 1000)}`, "/alarms"]),
    ];
    const shown = reasons.map(([words]) => words).join("\n");
    if (this.#reasons.dataset.shown === shown) return;
    this.#reasons.dataset.shown = shown;
    this.#reasons.replaceChildren(...reasons.map(([words, to]) => element("li", {}, to ? element("a", { href: to }, words) : words)));
  }

  async #ask() {
    const beganMs = performance.now();
    const name = encodeURIComponent(this.#name);
    const listed = document.hidden ? null : await request("GET", `/api/sessions?substation=${name}&sort=end&dir=down&limit=${LISTED}`);
    if (this.#over) return;
    this.#timer = setTimeout(() => this.#ask(), pauseMs(beganMs, listed?.body.faults?.length));
    if (listed) this.#show(listed);
  }

  #show({ ok, body, message }) {
    const why = ok ? (body.faults[0]?.why ?? "") : message;
    attribute(this.#fault, "hidden", why ? null : "");
    text(this.#fault, why ? `◇ The sessions can't be listed: ${why}.` : "");
    if (why || !ok) return;
    const [last] = body.sessions;
    const draining = this.#stream.state?.substations.find((row) => row.substation_id === this.#name)?.draining;
    text(this.#empty, emptyWords(last, body, draining));
    text(this.#all, body.matching === 1 ? "The 1 session" : `All ${count(body.matching)} sessions`);
    attribute(this.#table, "hidden", last ? null : "");
    if (!this.#body.contains(document.activeElement)) this.#body.replaceChildren(...body.sessions.map(sessionRow));
  }
}

/** Return when the substation will be empty. */
function emptyWords(last, { paused }, draining) {
  if (!last) return "It is empty: no session is open.";
  const later = paused ? `, or later: ${count(paused)} ${paused === 1 ? "is" : "are"} paused` : "";
  const at = since(last.expected_end_unix_ms);
  return draining ? `It will be empty at ${at}${later}.` : `Its last session ends at ${at}${later}. New cars may come.`;
}

function sessionRow(session) {
  return element("tr", {},
    element("th", { scope: "row" }, element("a", { href: `/decisions?session_id=${encodeURIComponent(session.session_id)}` }, session.vehicle_id)),
    element("td", { class: "number" }, session.state === "paused" ? "‖ paused" : figure(session.draw_kw)),
    element("td", { class: "number" }, `${figure(session.delivered_kwh)} of ${figure(session.energy_kwh)}`),
    element("td", { class: "number" }, element("time", { datetime: new Date(session.expected_end_unix_ms).toISOString(), title: moment(session.expected_end_unix_ms) }, hours(session.expected_end_unix_ms))));
}

/** Return a time, with its date when it is not of these hours. */
function since(unixMs) {
  return Math.abs(unixMs - Date.now()) < DAY_MS / 2 ? clock(unixMs) : moment(unixMs);
}
