// The conditions of a substation as shape, word and rank, and the order that puts the worst first.

import { carried } from "./carried.js";

export const NEAR = 0.95; // of the limit
const DEAD_BAND = 0.02; // a row does not move for less utilization than this
const NORMAL = 9;

const over = (row) => carried(row) > row.capacity_kw + 0.05;
/** Whether a load is near its limit, but not above it, and can still rise because cars are sent there. */
const near = (row) => !over(row) && !row.left_out && carried(row) > row.capacity_kw * NEAR;

// rank, level, shape, word, meaning and what to do
const CONDITIONS = [
  [0, "critical", "✕", "conflict", (row) => row.state === "conflict", "Duplicate substation id: two substations use it. The balancer sends cars to neither. Stop the wrong one."],
  [1, "critical", "✕", "ejected", (row) => row.state === "ejected", "It does not answer the balancer's polls. Cars go to other substations. Check that it is running, then check its log."],
  [2, "critical", "▲", "over limit", over, "The load is above the limit. No car is admitted until the load is below it. Running sessions continue, unless the base load has risen: then the newest are paused."],
  [3, "warning", "△", "near limit", near, "Little headroom is left. New cars go where there is more."],
  [4, "warning", "‖", "sessions paused", (row) => row.paused > 0, "The base load needs the power of the newest sessions. They resume, oldest first, when there is room again. No new car gets that room."],
  [4, "warning", "⌁", "meter silent", (row) => row.base_load_stale === true, "No reading of the base load has come for three intervals. The upper bound of the forecast counts instead, or the highest reading of a day. Check what sends the readings."],
  [4, "warning", "◷", "old report", (row) => row.stale && row.state !== "ejected", "Its last report is more than three polls old. Load and sessions may have changed."],
  [5, "warning", "◇", "suspect", (row) => row.state === "suspect", "A poll was missed, or its stream is down. It is used only when no healthy substation has room."],
  [5, "warning", "○", "gone", (row) => row.state === "gone" && row.sessions > 0, "The balancer no longer polls its address. Its sessions continue. No car is sent there."],
  [5, "warning", "◇", "not reached by all", (row) => row.unreached_by?.length > 0, "A balancer does not reach it, though others do: the table of the balancers names it. Cars come there by the others alone. Check the network between the two."],
  [6, "warning", "◇", "probing", (row) => row.state === "probing", "It answers again. It becomes healthy after two good polls."],
  [7, "notice", "▽", "draining", (row) => row.draining, "It takes no new sessions. Running sessions continue to their end."],
  [8, "notice", "○", "gone", (row) => row.state === "gone" && !row.sessions, "The balancer no longer polls its address. It will disappear from this list."],
];

// What counts while the meter of a base load is silent, by the basis that its substation tells.
const ASSUMED = {
  forecast: "the upper bound of its forecast counts",
  highest_reading: "its highest reading of the last 24 h counts",
  last_known: "the last known value counts",
};

/** Return what counts as the base load of a substation while its meter is silent. */
export function assumed(row) {
  return ASSUMED[row.base_load_basis] ?? "an assumption counts";
}

/** Return the abnormal conditions of a substation, the worst first; [] when it is normal. */
export function conditions(row) {
  return CONDITIONS.filter(([, , , , holds]) => holds(row)).map(([rank, level, shape, word, , meaning]) => ({ rank, level, shape, word, meaning }));
}

/** Return the rank of a substation: 0 for the worst, NORMAL when it needs no attention. */
export function rank(row) {
  return conditions(row)[0]?.rank ?? NORMAL;
}

export function abnormal(row) {
  return rank(row) < NORMAL;
}

/** Return the words for a substation's state: ["✕", "ejected, draining"], without a shape when it is normal. */
export function stateWords(row) {
  const found = conditions(row);
  return found.length ? [found[0].shape, found.map((each) => each.word).join(", "), found[0].level] : ["", row.state, "normal"];
}

/** Sorts rows so that they do not jump: a figure counts as changed only when it leaves a dead band. */
export class StableOrder {
  #utilization = new Map();

  /** Return rows by `sort`, "worst" or a field; `down` puts the highest first. */
  sorted(rows, sort, down) {
    if (sort !== "worst") {
      const sign = down ? -1 : 1;
      const of = sort === "load_kw" ? carried : (row) => row[sort];
      return [...rows].sort((a, b) => sign * compare(of(a), of(b)) || byName(a, b));
    }
    const kept = new Map();
    for (const row of rows) {
      const before = this.#utilization.get(row.substation_id);
      kept.set(row.substation_id, before !== undefined && Math.abs(row.utilization - before) < DEAD_BAND ? before : row.utilization);
    }
    for (const [name, utilization] of kept) this.#utilization.set(name, utilization);
    const ranks = new Map(rows.map((row) => [row.substation_id, rank(row)]));
    const worst = [...rows].sort((a, b) => ranks.get(a.substation_id) - ranks.get(b.substation_id)
      || kept.get(b.substation_id) - kept.get(a.substation_id) || byName(a, b));
    return down ? worst : worst.reverse();
  }
}

const names = new Intl.Collator("en", { numeric: true });

function byName(a, b) {
  return names.compare(a.substation_id, b.substation_id);
}

function compare(a, b) {
  if (typeof a === "string") return names.compare(a, b);
  return (a ?? -Infinity) - (b ?? -Infinity);
}
