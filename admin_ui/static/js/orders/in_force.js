// The orders that made substations what their rows show: who drained them or lowered their limits, when and why.
//
// They are asked for when the audit log has a newer entry, and when another substation is drained or lowered.

import { request } from "../lib/request.js";

const RETRY_MS = 5000;
const MOST = 60; // of one question
const LEAST_KW = 0.05;

/** Whether the limit of a substation is below what it is rated for. */
export function lowered(row) {
  return row.capacity_kw < row.rated_kw - LEAST_KW;
}

/** Keeps the orders of the substations whose ids `wanted` returns. Dispatches "change" when they have arrived. */
export class OrdersInForce extends EventTarget {
  #stream;
  #wanted;
  #found = new Map(); // by substation; an empty list says that none was given in this console
  #asked = "";
  #asking = false;

  constructor(stream, wanted) {
    super();
    [this.#stream, this.#wanted] = [stream, wanted];
    stream.addEventListener("state", () => void this.#follow());
  }

  /** Return the orders in force on a substation, that of its drain first; null while they are not known. */
  of(row) {
    const found = this.#found.get(row.substation_id);
    if (!found) return row.draining || lowered(row) ? null : [];
    const fits = ({ order, value }) => (order === "drain" ? row.draining : lowered(row) && value === row.capacity_kw);
    if (row.draining && found.draining !== row.draining || found.capacityKw !== row.capacity_kw) return null; // changed since
    return found.orders.filter(fits);
  }

  async #follow() {
    const { substations, audit } = this.#stream.state;
    const wanted = new Set(this.#wanted());
    const rows = substations.filter((row) => wanted.has(row.substation_id) && (row.draining || lowered(row))).slice(0, MOST);
    const key = JSON.stringify([audit.newest, rows.map((row) => [row.substation_id, row.draining, row.capacity_kw])]);
    if (this.#asking || key === this.#asked) return;
    this.#asking = true;
    const found = rows.length ? await this.#ask(rows) : new Map();
    if (found) [this.#found, this.#asked] = [found, key];
    else await new Promise((done) => { setTimeout(done, RETRY_MS); }); // the connection state shows that the console does not answer
    this.#asking = false;
    if (found) this.dispatchEvent(new Event("change"));
  }

  async #ask(rows) {
    const query = new URLSearchParams(rows.map((row) => ["substation_id", row.substation_id]));
    const { ok, body } = await request("GET", `/api/orders/in-force?${query}`);
    if (!ok) return null;
    return new Map(rows.map((row) => [row.substation_id, {
      draining: row.draining, capacityKw: row.capacity_kw, orders: body.orders.filter((each) => each.target === row.substation_id),
    }]));
  }
}
