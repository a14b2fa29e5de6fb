// The newest orders of operators, kept up to date by the number of the newest audit entry in the stream.

import { ask } from "../lib/address.js";
import { kw } from "../lib/format.js";

const RETRY_MS = 5000;
const VERBS = { // done, and asked for
  drain: ["drained", "drain"], restore: ["restored", "restore"], capacity: ["changed the limit of", "change the limit of"],
  policy: ["switched the policy to", "switch the policy to"], stop: ["stopped session", "stop session"],
};
const NOT_DONE = { refused: "✕ refused", failed: "✕ failed", unconfirmed: "? not confirmed", unknown: "? outcome unknown", "under way": "… in progress" };

/** The newest orders, newest first; dispatches "change". */
export class NewestOrders extends EventTarget {
  all = [];
  #asked = -1; // the newest audit entry that was there when they were requested
  #asking = false;

  constructor(stream) {
    super();
    stream.addEventListener("state", () => this.#follow(stream.state.audit.newest));
  }

  async #follow(newest) {
    if (this.#asking || newest === this.#asked) return;
    this.#asking = true;
    try {
      const answer = await ask("/api/orders/newest", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      this.all = (await answer.json()).orders;
      this.#asked = newest;
      this.dispatchEvent(new Event("change"));
    } catch {
      await new Promise((done) => { setTimeout(done, RETRY_MS); }); // the connection state shows that the console does not answer
    } finally {
      this.#asking = false;
    }
  }
}

/** Return an order in words: "ana drained substation-2", or "✕ refused: drain substation-2 (ana)". */
export function inWords({ order, target, value, who, outcome }) {
  const done = outcome === "done";
  const verb = VERBS[order][done ? 0 : 1];
  const limit = order === "capacity" ? ` to ${value === null ? "its rated limit" : kw(value)}` : "";
  const what = `${verb} ${order === "policy" ? value : target}${limit}`;
  return done ? `${who} ${what}` : `${NOT_DONE[outcome] ?? outcome}: ${what} (${who})`;
}
