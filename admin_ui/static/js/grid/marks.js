// What is marked in the fleet's chart: orders, alarms, and the run of a load test.

import { inWords } from "../orders/newest.js";
import { severity } from "../alarms/words.js";

/** Return the marks as [unix second, shape, words], the newest last. */
export function marks(state, orders) {
  if (!state) return [];
  const done = orders.all.filter((order) => order.outcome === "done").map((order) => [order.at_unix_ms / 1000, "◆", inWords(order)]);
  const alarms = state.alarms.judged ? state.alarms.calling.map((alarm) => (
    [alarm.raised_unix_s, severity(alarm.severity).slice(0, 1), [alarm.title, alarm.substation_id].filter(Boolean).join(": ")]
  )) : [];
  const { run } = state.rush;
  const began = run?.started_unix_s ? [[run.started_unix_s, "▶", `load test begins: ${run.run_id ?? run.preset}`]] : [];
  return [...done, ...alarms, ...began].sort(([one], [other]) => one - other);
}
