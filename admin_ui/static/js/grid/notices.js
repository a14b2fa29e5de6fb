// What the overview says in words: when there is nothing to show, when an address is silent, and what became abnormal.

import { attribute, element, spaced, text } from "/static/js/lib/dom.js";
import { stateWords } from "/static/js/lib/conditions.js";
import { ago, count, kw, moment } from "/static/js/lib/format.js";

const SAY_MS = 5000; // at most as often, so that a screen reader can follow
const MOST_SAID = 3;

/** Return what the page says in place of substations, [title, what to do, command], or null when it shows some. */
export function nothingToShow(state, balancer, found, only) {
  if (!state.link.connected && !state.link.heard_unix_s && !state.substations.length) {
    return ["The balancer has not answered yet", `The console asks ${balancer} again and again. See whether the balancer runs; its log is in data/log. Is it elsewhere? BALANCER_URL names its address.`, "make run"];
  }
  if (!state.substations.length) {
    const watched = state.unseen?.length ? `The balancer watches ${listed(state.unseen)}, and nobody has answered there.` : "The balancer watches no address: SUBSTATIONS names them.";
    return ["No substations yet", `${watched} Start a substation; it appears here by itself.`, "make run"];
  }
  if (found) return null;
  return only ? ["Nothing is abnormal", `All ${state.substations.length} substations are healthy, and below 95 % of their limits.`, ""]
    : ["No substation matches", "Search for a part of a name, of an address or of a state, such as draining.", ""];
}

/** Return which substations the figures of the fleet leave out, and why; "" when they count all. */
export function leftOut({ left_out: reasons }) {
  if (!reasons.length) return "";
  const parts = reasons.map(({ why, substations, capacity_kw: capacityKw, load_kw: loadKw }) => (
    `${count(substations)} ${why === "conflict" ? "in conflict" : why} (${kw(loadKw).replace(" kW", "")} of ${kw(capacityKw)}${why === "draining" ? "" : ", as last known"})`
  ));
  return `Load, limit, headroom and utilization leave out substations that take no new cars: ${parts.join(", ")}.`;
}

/** Return why the charts have gaps: when the balancer or the gateway was lost in the last quarter of an hour. */
export function gaps(outages) {
  return outages.map(({ service, from_unix_s: from, to_unix_s: to }) => (
    `◷ The ${service} ${to === null ? `has been lost since ${moment(from * 1000)}` : `was lost from ${moment(from * 1000)} for ${ago(to - from)}`}${service === "balancer" ? ": the charts have a gap" : ""}.`
  )).join(" ");
}

/** A notice in place of the table; a button takes filters away. */
export class EmptyNotice {
  #place;
  #title = element("strong");
  #advice = element("p");
  #command = element("code");
  #clear;

  constructor(place, clear) {
    this.#place = place;
    this.#clear = element("button", { type: "button", class: "quiet", click: clear }, "Show all substations");
    place.append(element("p", {}, this.#title), this.#advice, ...spaced(this.#command, this.#clear));
  }

  show(said, filtered) {
    attribute(this.#place, "hidden", !said);
    if (!said) return;
    text(this.#title, said[0]);
    text(this.#advice, said[1]);
    text(this.#command, said[2]);
    attribute(this.#command, "hidden", !said[2]);
    attribute(this.#clear, "hidden", !filtered);
  }
}

/** Says politely which substations became abnormal, or normal again. */
export class Announcer {
  #place;
  #known = null;
  #saidMs = -Infinity; // what is there at first is not said: it is shown

  constructor(place) {
    this.#place = place;
  }

  update(substations) {
    if (performance.now() - this.#saidMs < SAY_MS) return;
    this.#saidMs = performance.now();
    const now = new Map(substations.map((row) => [row.substation_id, stateWords(row)[1]]));
    const before = this.#known ?? now;
    const changed = [...now].filter(([name, words]) => before.has(name) && before.get(name) !== words);
    this.#known = now;
    if (!changed.length) return;
    const more = changed.length > MOST_SAID ? `, and ${changed.length - MOST_SAID} more` : "";
    text(this.#place, `${changed.slice(0, MOST_SAID).map(([name, words]) => `${name}: ${words}`).join(", ")}${more}`);
  }
}

/** Return addresses as a list that stays short. */
export function listed(addresses) {
  const more = addresses.length > MOST_SAID ? ` and ${addresses.length - MOST_SAID} more` : "";
  return addresses.slice(0, MOST_SAID).join(", ") + more;
}
