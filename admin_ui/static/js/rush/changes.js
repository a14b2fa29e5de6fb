// Describes changes of the grid during a run, and says whether runs are comparable.

import { kw } from "../lib/format.js";

const WORDS = {
  policy: ({ before, after }) => `policy switched from ${before} to ${after}`,
  drained: ({ target }) => `${target} drained`,
  restored: ({ target }) => `${target} restored`,
  limit: ({ target, before, after }) => `limit of ${target} changed from ${kw(before)} to ${kw(after)}`,
  stopped: ({ target, after }) => `${after} ${after === 1 ? "session" : "sessions"} stopped at ${target}`,
};
const FIRST = 1; // of a run in the list; the rest is counted

/** Return a text for each change of some `kinds` during a run that the run itself did not order. */
export function changed({ changes }, kinds = Object.keys(WORDS)) {
  return (changes ?? []).filter((each) => !each.planned && kinds.includes(each.what)).map((each) => `${WORDS[each.what](each)} after ${Math.max(0, Math.round(each.at_s))} s`);
}

/** Return the changes in a few words for a table, "" if there were none. */
export function changedShort(run) {
  const all = changed(run);
  const left = all.length - FIRST;
  return all.slice(0, FIRST).join("") + (left > 0 ? ` and ${left} more` : "");
}

/** Return what a comparison of these runs can show; `named` returns the name of a run. */
export function comparable(runs, named) {
  const one = (of) => new Set(runs.map(of)).size === 1;
  const plan = (run) => `${run.preset} ${run.requests} ${run.seconds}`;
  const policies = [...new Set(runs.map((run) => run.policy ?? "an unknown policy"))];
  const notes = [];
  if (!one(plan)) notes.push("The plans differ (preset, cars or duration), so a difference may come from the cars.");
  else if (policies.length > 1) notes.push(`Same plan under ${policies.join(" and ")}: comparable.`);
  else notes.push("Same plan and policy: shown side by side, not averaged. To compare policies, select a run with another policy.");
  if (one(plan) && !one((run) => run.seed)) notes.push("The seeds differ: the cars differ, the demand is the same.");
  for (const run of runs) {
    if (run.verdict === "interrupted") notes.push(`${named(run)} was stopped early and is shown separately.`);
    else if (changed(run).length) notes.push(`${named(run)} had changes during the run (${changedShort(run)}) and is shown separately.`);
    else if (run.verdict === "broken") notes.push(`${named(run)} failed a threshold.`);
  }
  return notes.join(" ");
}
