// The notices of the overview: nothing to show, silent addresses, gaps in the charts, and new abnormal states.

import { attribute, element, spaced, text } from "../lib/dom.js";
import { carried } from "../lib/carried.js";
import { stateWords } from "../lib/conditions.js";
import { ago, count, kw, moment } from "../lib/format.js";

const ANNOUNCE_EVERY_MS = 5000; // so that a screen reader can keep up
const MOST_LISTED = 3;

/** Return the notice in place of the table, [title, what to do, command], or null when the table has rows. */
export function nothingToShow(state, balancer, found, only) {
  if (!state.link.connected && !state.link.heard_unix_s && !state.substations.length) {
    return ["The balancer has not answered yet", `The console keeps trying ${balancer}. Check that the balancer is running; its log is in data/log. If it runs at another address, set BALANCER_URL.`, "make run"];
  }
  if (!state.substations.length) {
    const watched = state.unseen?.length ? `The balancer polls ${listed(state.unseen)}, but no substation has answered.` : "The balancer has no addresses to poll. Set SUBSTATIONS.";
    return ["No substations yet", `${watched} Start a substation; it appears here automatically.`, "make run"];
  }
  if (found) return null;
  return only ? ["No abnormal substations", `All ${state.substations.length} substations are healthy and below 95 % of their limits.`, ""]
    : ["No matching substations", "Search for part of a name, address or state, for example draining.", ""];
}

/** Return what of the fleet is not usable, by name; "" when all of it is. */
export function leftOut({ left_out: reasons, lowered }) {
  const parts = reasons.map(({ why, capacity_kw: capacityKw, ...of }) => (
    `${named(of)} ${why === "conflict" ? "in conflict" : why} (${kw(carried(of)).replace(" kW", "")} of ${kw(capacityKw)}${why === "draining" ? "" : ", last known values"})`
  ));
  if (lowered.substations) parts.push(`${kw(lowered.capacity_kw)} by lowered limits of ${named(lowered)}`);
  return parts.length ? `Not usable, and in none of these figures: ${parts.join("; ")}.` : "";
}

function named({ names, substations }) {
  return substations > names.length ? `${names.join(", ")} and ${count(substations - names.length)} more` : names.join(", ");
}

/** Return when the balancer or the gateway was unreachable in the last 15 minutes, which explains gaps in the charts. */
export function gaps(outages) {
  return outages.map(({ service, from_unix_s: from, to_unix_s: to }) => (
    `◷ The ${service} ${to === null ? `has been unreachable since ${moment(from * 1000)}` : `was unreachable from ${moment(from * 1000)} for ${ago(to - from)}`}${service === "balancer" ? ": the charts have a gap" : ""}.`
  )).join(" ");
}

/** A notice in place of the table, with a button that removes the filters. */
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

  show(notice, filtered) {
    attribute(this.#place, "hidden", !notice);
    if (!notice) return;
    text(this.#title, notice[0]);
    text(this.#advice, notice[1]);
    text(this.#command, notice[2]);
    attribute(this.#command, "hidden", !notice[2]);
    attribute(this.#clear, "hidden", !filtered);
  }
}

/** Announces to screen readers which substations became abnormal or normal again. */
export class Announcer {
  #place;
  #known = null;
  #announcedMs = -Infinity; // the initial states are visible and not announced

  constructor(place) {
    this.#place = place;
  }

  update(substations) {
    if (performance.now() - this.#announcedMs < ANNOUNCE_EVERY_MS) return;
    this.#announcedMs = performance.now();
    const now = new Map(substations.map((row) => [row.substation_id, stateWords(row)[1]]));
    const before = this.#known ?? now;
    const changed = [...now].filter(([name, words]) => before.has(name) && before.get(name) !== words);
    this.#known = now;
    if (!changed.length) return;
    const more = changed.length > MOST_LISTED ? `, and ${changed.length - MOST_LISTED} more` : "";
    text(this.#place, `${changed.slice(0, MOST_LISTED).map(([name, words]) => `${name}: ${words}`).join(", ")}${more}`);
  }
}

/** Return addresses as a list that stays short. */
export function listed(addresses) {
  const more = addresses.length > MOST_LISTED ? ` and ${addresses.length - MOST_LISTED} more` : "";
  return addresses.slice(0, MOST_LISTED).join(", ") + more;
}
