// What was changed on the grid during a run, in words; and what several runs have in common.

import { kw } from "/static/js/lib/format.js";

const SAID = {
  policy: ({ before, after }) => `policy switched from ${before} to ${after}`,
  drained: ({ target }) => `${target} drained`,
  restored: ({ target }) => `${target} restored`,
  limit: ({ target, before, after }) => `limit of ${target} changed from ${kw(before)} to ${kw(after)}`,
  stopped: ({ target, after }) => `${after} ${after === 1 ? "session" : "sessions"} stopped at ${target}`,
};
const FIRST = 1; // of a run in the list; the rest is counted

/** Return the changes during a run that the run itself did not order, a text for each. */
export function changed({ changes }) {
  return (changes ?? []).filter((each) => !each.planned && SAID[each.what]).map((each) => `${SAID[each.what](each)} after ${Math.max(0, Math.round(each.at_s))} s`);
}

/** Return the changes in a few words for a table, "" if there were none. */
export function changedShort(run) {
  const all = changed(run);
  const left = all.length - FIRST;
  return all.slice(0, FIRST).join("") + (left > 0 ? ` and ${left} more` : "");
}

/** Return what comparing these runs can tell; `named` returns the name of a run. */
export function comparable(runs, named) {
  const one = (of) => new Set(runs.map(of)).size === 1;
  const plan = (run) => `${run.preset} ${run.requests} ${run.seconds}`;
  const policies = [...new Set(runs.map((run) => run.policy ?? "an unknown policy"))];
  const told = [];
  if (!one(plan)) told.push("Their plans differ (preset, cars or seconds): a difference may come from the cars.");
  else if (policies.length > 1) told.push(`One plan under ${policies.join(" and ")}: comparable.`);
  else told.push("The same plan and policy: shown one by one, not averaged. To compare policies, tick a run under another one.");
  if (one(plan) && !one((run) => run.seed)) told.push("Their seeds differ: the cars differ, the demand is the same.");
  for (const run of runs) {
    if (run.verdict === "interrupted") told.push(`${named(run)} was stopped early and stands alone.`);
    else if (changed(run).length) told.push(`${named(run)} had changes during the run (${changedShort(run)}) and stands alone.`);
    else if (run.verdict === "broken") told.push(`${named(run)} broke a threshold.`);
  }
  return told.join(" ");
}
