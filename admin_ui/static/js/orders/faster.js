// Tells an open dialog which orders others have carried out since it was opened.

import { ask } from "../lib/address.js";
import { presence } from "../people/presence.js";

/** Calls `report` with the new orders, newest first, until `stop` is called. */
export class FasterOrders {
  #report;
  #known = null; // the numbers of the orders that were done when the dialog was opened
  #asking = false;
  #again = false;
  #look = () => void this.look();

  constructor(report) {
    this.#report = report;
    presence.addEventListener("audit", this.#look);
    void this.look();
  }

  stop() {
    presence.removeEventListener("audit", this.#look);
  }

  /** Look for new orders; those that are found count as known from then on. */
  async look() {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    const answer = await ask("/api/orders/newest", { cache: "no-store" }).catch(() => null);
    const { orders = [] } = answer?.ok ? await answer.json().catch(() => ({})) : {};
    this.#asking = false;
    const done = orders.filter(({ outcome }) => outcome === "done");
    const found = this.#known ? done.filter(({ number }) => !this.#known.has(number)) : [];
    if (answer?.ok) this.#known = new Set([...this.#known ?? [], ...done.map(({ number }) => number)]);
    if (found.length) this.#report(found);
    if (this.#again) {
      this.#again = false;
      await this.look();
    }
  }
}
