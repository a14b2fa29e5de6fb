// Beside the chart: the active alarms, the worst first, and the newest orders.

import { attribute, element, text } from "../lib/dom.js";
import { ago, clock, moment } from "../lib/format.js";
import { severity } from "../alarms/words.js";
import { inWords } from "../orders/newest.js";

const MOST_ALARMS = 5;
const DAY_MS = 86_400_000;

/** Show active alarms in `place`, and keep their ages up to date; `now` returns the console's unix seconds. */
export class ActiveAlarms {
  #list = element("ul", { class: "recent" });
  #none = element("p", { class: "quietly" });
  #more = element("a", { href: "/alarms" });

  constructor(place) {
    place.append(this.#list, this.#none, this.#more);
  }

  update({ alarms, link }, live) {
    const active = alarms.judged ? alarms.calling.filter((alarm) => alarm.cleared_unix_s === null) : [];
    const { critical, warning, muted_critical: mutedCritical, muted_warning: mutedWarning } = alarms.counts;
    const nowS = Date.now() / 1000;
    rows(this.#list, active.slice(0, MOST_ALARMS), (alarm) => alarm.id, alarmRow, nowS);
    attribute(this.#none, "hidden", active.length > 0);
    text(this.#none, !live || link.stale || !alarms.judged ? "? Alarms are unknown until the grid is seen again." : "No active alarms.");
    const rest = critical + warning - Math.min(active.length, MOST_ALARMS);
    const muted = mutedCritical + mutedWarning;
    const words = [rest > 0 ? `${rest} more` : "", muted ? `${muted} muted` : ""].filter(Boolean).join(", ");
    text(this.#more, words ? `All alarms (${words})` : "All alarms");
  }
}

/** Show the newest orders in `place`. */
export class OrdersList {
  #list = element("ul", { class: "recent", "aria-label": "Newest orders" });
  #none = element("p", { class: "quietly" }, "No orders yet.");

  constructor(place, orders) {
    place.append(this.#list, this.#none, element("a", { href: "/audit" }, "Audit log"));
    orders.addEventListener("change", () => this.#show(orders.all));
  }

  #show(all) {
    rows(this.#list, all, (order) => String(order.number), orderRow);
    attribute(this.#list, "tabindex", all.length ? "0" : null); // the list scrolls: keys must reach what is below
    attribute(this.#none, "hidden", all.length > 0);
  }
}

/** Show `items` as rows of a list in their order; a row that is there already is updated in place. */
function rows(list, items, key, make, ...more) {
  const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
  items.forEach((item, at) => {
    const name = key(item);
    const row = known.get(name) ?? element("li", { "data-key": name });
    known.delete(name);
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
    make(row, item, ...more);
  });
  for (const row of known.values()) row.remove();
}

function alarmRow(row, alarm, nowS) {
  if (!row.firstChild) {
    row.append(element("span", { class: "when" }), " ", element("a", { href: "/alarms" }), " ", element("span", { class: "say" }));
  }
  const [when, title, say] = row.children;
  attribute(row, "data-level", alarm.severity);
  text(when, `${severity(alarm.severity)} for ${ago(Math.max(nowS - alarm.raised_unix_s, 0))}`);
  text(title, alarm.substation_id ? `${alarm.title}: ${alarm.substation_id}` : alarm.title);
  text(say, alarm.action);
}

function orderRow(row, order) {
  if (!row.firstChild) row.append(element("time", { class: "when" }), " ", element("span"), " ", element("span", { class: "say" }));
  const [when, what, why] = row.children;
  const recent = Date.now() - order.at_unix_ms < DAY_MS;
  text(when, recent ? clock(order.at_unix_ms) : moment(order.at_unix_ms));
  attribute(when, "datetime", new Date(order.at_unix_ms).toISOString());
  text(what, inWords(order));
  text(why, order.reason);
}
