// The table of open sessions: one row a session, whose figures change in place.

import { actButton, mayAct } from "../orders/dialog.js";
import { attribute, element, text } from "../lib/dom.js";
import { ago, figure, hours, moment, UNKNOWN } from "../lib/format.js";

const DAY_MS = 24 * 3600 * 1000;
const WHY = { base_load: "base load" };

// name, what it sorts by, class. On a phone the minor columns are lines of the others, and the least ones are left out first.
const COLUMNS = [
  ["Vehicle", "vehicle", ""],
  ["Substation", "", "minor"],
  ["State", "", "minor state"],
  ["Power now, kW", "", "number power"],
  ["At most, kW", "power", "number minor"],
  ["Delivered, kWh", "", "number minor"],
  ["Started", "start", "number minor"],
  ["Ends", "end", "number"],
  ["Session", "", "minor least session"],
];
// order, direction, its name where a phone has a list of them
export const ORDERS = [
  ["start", "down", "Newest"], ["start", "up", "Oldest"], ["power", "down", "Most power"], ["power", "up", "Least power"],
  ["end", "up", "Ends first"], ["end", "down", "Ends last"], ["vehicle", "up", "Vehicle A–Z"], ["vehicle", "down", "Vehicle Z–A"],
];

/** Return the direction that an order has when it is chosen. */
export function usual(sort) {
  return ORDERS.find(([name]) => name === sort)?.[1] ?? "down";
}

/** The table in `place`; `changed` is called after an order was carried out, `sort` when a column is chosen. */
export class SessionTable {
  node;
  #rows = new Map();
  #heads = [];
  #body = element("tbody");
  #changed;

  constructor({ changed, sort, caption }) {
    this.#changed = changed;
    const head = COLUMNS.map(([name, by, kind]) => {
      const inside = by ? element("button", { type: "button", class: "sort", click: () => sort(by) }, name) : name;
      const cell = element("th", { scope: "col", class: kind || null }, inside);
      this.#heads.push([cell, by]);
      return cell;
    });
    if (mayAct()) head.push(element("th", { scope: "col", class: "acts" }, element("span", { class: "visually-hidden" }, "Actions")));
    this.node = element("table", { class: "open-sessions" }, element("caption", { class: "visually-hidden" }, caption), element("thead", {}, element("tr", {}, ...head)), this.#body);
  }

  /** Whether someone is about to use a row: then rows must not move. */
  get held() {
    return this.#body.matches(":hover") && matchMedia("(hover: hover)").matches || this.#body.contains(document.activeElement);
  }

  /** Show these sessions in this order. */
  show(sessions, sort, dir) {
    const stay = new Set(sessions.map((each) => each.session_id));
    for (const [id, row] of this.#rows) {
      if (stay.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    sessions.forEach((session, at) => {
      let row = this.#rows.get(session.session_id);
      if (!row) this.#rows.set(session.session_id, row = new SessionRow(session, this.#changed));
      row.show(session);
      if (this.#body.children[at] !== row.node) this.#body.insertBefore(row.node, this.#body.children[at] ?? null);
    });
    for (const [cell, by] of this.#heads) if (by) attribute(cell, "aria-sort", by === sort ? (dir === "down" ? "descending" : "ascending") : null);
  }

  /** Show new figures of the rows that are here, and leave all of them where they are. */
  refresh(sessions) {
    const now = new Map(sessions.map((each) => [each.session_id, each]));
    for (const [id, row] of this.#rows) if (now.has(id)) row.show(now.get(id));
  }
}

class SessionRow {
  constructor(session, changed) {
    const id = session.session_id;
    const link = element("a", { href: `/decisions?session_id=${encodeURIComponent(id)}` }, session.vehicle_id);
    this.word = element("span", { class: "word" });
    this.under = element("span", { class: "under" }, `${session.substation_id} `, this.word);
    this.cells = COLUMNS.slice(1).map(([, , kind]) => element("td", { class: kind }));
    const [substation, state, power, most, delivered, started, ends, number] = this.cells;
    substation.append(element("a", { href: `/?substation=${encodeURIComponent(session.substation_id)}` }, session.substation_id));
    text(number, id.slice(id.lastIndexOf(".") + 1));
    this.state = state;
    this.power = pair(power, "span", "under");
    this.delivered = pair(delivered, "span", "of");
    this.started = pair(started, "time", "aside");
    this.ends = pair(ends, "time", "aside");
    text(most, figure(session.power_kw));
    const stop = actButton("Stop…", () => ({ order: "stop", target: id }), { after: changed });
    if (stop) stop.setAttribute("aria-label", `Stop… ${session.vehicle_id}`);
    this.node = element("tr", {}, element("th", { scope: "row" }, link, " ", this.under), ...this.cells, stop ? element("td", { class: "acts" }, stop) : null);
  }

  show(session) {
    const now = Date.now();
    const paused = session.state === "paused";
    attribute(this.node, "data-state", session.state);
    text(this.state, paused ? `‖ paused since ${shortly(session.paused_since_unix_ms, now)}, ${WHY[session.paused_because] ?? session.paused_because}` : session.state);
    text(this.word, paused ? "‖ paused" : "");
    text(this.power[0], figure(session.draw_kw));
    text(this.power[1], `${figure(session.delivered_kwh)} of ${figure(session.energy_kwh)} kWh`);
    text(this.delivered[0], figure(session.delivered_kwh));
    text(this.delivered[1], ` of ${figure(session.energy_kwh)}`);
    setTime(this.started, session.started_unix_ms, now, `${ago(Math.max(now - session.started_unix_ms, 0) / 1000)} ago`);
    const leftS = (session.expected_end_unix_ms - now) / 1000;
    setTime(this.ends, session.expected_end_unix_ms, now, paused ? "or later" : leftS > 0 ? `in ${ago(leftS)}` : UNKNOWN);
  }
}

/** Put two elements into a cell: the figure, and what is beside or below it. */
function pair(cell, name, kind) {
  const parts = [element(name), element("span", { class: kind })];
  cell.append(parts[0], " ", parts[1]);
  return parts;
}

function setTime([time, beside], unixMs, now, words) {
  attribute(time, "datetime", new Date(unixMs).toISOString());
  attribute(time, "title", moment(unixMs));
  text(time, shortly(unixMs, now));
  text(beside, words);
}

/** Return the time of day, with the date when it is another day. */
function shortly(unixMs, now) {
  const same = new Date(unixMs).toDateString() === new Date(now).toDateString();
  return same || Math.abs(unixMs - now) < DAY_MS / 4 ? hours(unixMs) : moment(unixMs).slice(5, 16);
}
