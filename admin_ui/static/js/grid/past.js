// Loads over hours and days, as means that the console keeps. They are asked for again when there may be newer ones.

import { ask } from "../lib/address.js";

const AGAIN_MS = 10_000;

/** Keeps what was asked for last. Dispatches "change" when it has arrived. */
export class Past extends EventTarget {
  #answer = null;
  #key = "";
  #atMs = 0;

  /** Ask for `seconds` up to a unix second (null: now) of some substations; the fleet's come with every answer. */
  async request(names, seconds, untilS) {
    const key = JSON.stringify([names, seconds, untilS]);
    if (key === this.#key && (untilS !== null || performance.now() - this.#atMs < AGAIN_MS)) return;
    if (key !== this.#key) this.#answer = null;
    [this.#key, this.#atMs] = [key, performance.now()];
    const query = new URLSearchParams({ seconds });
    if (untilS !== null) query.set("until", untilS);
    for (const name of names) if (name) query.append("substation_id", name);
    const answer = await ask(`/api/history?${query}`, { cache: "no-store" }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => null) : null;
    if (key !== this.#key) return; // something else is wanted by now
    if (!found) [this.#key, this.#atMs] = ["", 0]; // the connection state already shows that the console does not answer
    else this.#answer = found;
    this.dispatchEvent(new Event("change"));
  }

  /** Return the last second, the length of a step, and [loads, limits, base loads, rated limits]; null while nothing has arrived. */
  of(name) {
    const columns = name ? this.#answer?.substations[name] : this.#answer?.fleet;
    if (!columns) return null;
    const { until_unix_s: untilS, step_s: stepS } = this.#answer;
    const loads = columns.load_kw.map((load, n) => (load === null ? null : load + columns.base_load_kw[n]));
    return { second: untilS - stepS, stepS, series: [loads, columns.capacity_kw, columns.base_load_kw, columns.rated_kw] };
  }
}
