// What the fleet or a substation will probably carry without new cars: what its known plans leave of the cars, on its expected base load.

import { ask } from "../lib/address.js";

const AGAIN_MS = 5000;
const SHARE = 0.25; // of what a chart shows, so much is to come
const LONGEST_S = 14_400; // as far as the balancer looks
export const UNKNOWN = { points: [] };

/** Asks for what is to come while somebody looks. Dispatches "change" when it has arrived. */
export class Outlook extends EventTarget {
  #name;
  #answer = null;
  #askedMs = -Infinity;
  #seconds = 0;

  /** `name` is that of a substation, "" for the fleet. */
  constructor(name) {
    super();
    this.#name = name;
  }

  /** Ask again if it is time to, for a chart that shows `spanS` seconds. */
  async request(spanS) {
    const seconds = Math.min(Math.round(spanS * SHARE), LONGEST_S);
    if (document.hidden || (seconds === this.#seconds && performance.now() - this.#askedMs < AGAIN_MS)) return;
    [this.#seconds, this.#askedMs] = [seconds, performance.now()];
    const query = new URLSearchParams({ seconds });
    if (this.#name) query.set("substation_id", this.#name);
    const answer = await ask(`/api/outlook?${query}`, { cache: "no-store" }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => null) : null;
    if (seconds !== this.#seconds) return; // something else is wanted by now
    this.#answer = found && !found.fault ? { ...found, atMs: performance.now() - found.age_s * 1000 } : null;
    this.dispatchEvent(new Event("change"));
  }

  /** Return the points to come of a row or of the fleet's totals, by seconds from now on; none while they are not known. */
  of(row) {
    if (!this.#answer || !row) return UNKNOWN;
    const elapsedS = (performance.now() - this.#answer.atMs) / 1000;
    return { points: points(this.#answer, row, elapsedS) };
  }
}

function points({ cars, base_load: base }, row, elapsedS) {
  const ahead = (all) => all.map((point) => ({ ...point, within_s: point.within_s - elapsedS })).filter((point) => point.within_s > 0);
  const [left, expected] = [ahead(cars), ahead(base)];
  const baseKw = row.base_load_kw ?? 0;
  const now = { within_s: 0, kw: row.load_kw, mean_kw: baseKw, p10_kw: baseKw, p90_kw: baseKw };
  const lastS = baseKw && expected.length ? expected.at(-1).within_s : Infinity;
  const moments = [...new Set([...left, ...expected].map((point) => point.within_s))].filter((each) => each <= lastS).sort((a, b) => a - b);
  return moments.map((withinS) => {
    const carsKw = between([now, ...left], withinS, "kw");
    const at = (name) => (expected.length ? between([now, ...expected], withinS, name) : null);
    const meanKw = at("mean_kw") ?? baseKw;
    return {
      within_s: withinS, kw: carsKw + meanKw, base_kw: baseKw || expected.length ? meanKw : null,
      p10_kw: expected.length ? carsKw + at("p10_kw") : null, p90_kw: expected.length ? carsKw + at("p90_kw") : null,
    };
  });
}

/** Return a figure between two points, on a straight line; after the last point, that. */
function between(all, withinS, name) {
  const after = all.findIndex((point) => point.within_s >= withinS);
  if (after < 0) return all.at(-1)[name];
  if (after === 0) return all[0][name];
  const [low, high] = [all[after - 1], all[after]];
  return low[name] + ((high[name] - low[name]) * (withinS - low.within_s)) / (high.within_s - low.within_s);
}

/** Return what is not usable of the fleet, in the words of the chart; "" when all of it is. */
export function unusableWords(totals) {
  if (!totals) return "";
  const kwLost = Math.round(totals.rated_kw - totals.capacity_kw);
  if (kwLost < 1) return "";
  const parts = totals.left_out.map(({ why, names, substations }) => `${names.join(", ")}${substations > names.length ? ` and ${substations - names.length} more` : ""} ${why === "conflict" ? "in conflict" : why}`);
  if (totals.lowered.substations) parts.push(`${totals.lowered.names.join(", ")}${totals.lowered.substations > totals.lowered.names.length ? ` and ${totals.lowered.substations - totals.lowered.names.length} more` : ""} below the rated limit`);
  return `${kwLost.toLocaleString("en")} kW not usable: ${parts.join("; ")}`;
}

