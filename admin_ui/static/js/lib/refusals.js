// Refusals, defined in the same way on all pages: each answer without a session because no substation had room or none
// could be reached, even if the same request is placed later.

import { attribute, text } from "./dom.js";
import { count, figure } from "./format.js";

/** Return the refusals of the last minute in words, "" when there were none. */
export function refusedInAMinute(gateway) {
  return gateway.refused_in_60_s ? `▲ ${count(gateway.refused_in_60_s)} in the last 60 s` : "";
}

/** Show the refusals of the last minute in `place`, which is hidden while there are none. */
export function showRefusals(place, gateway) {
  attribute(place, "hidden", !gateway.refused_in_60_s);
  text(place, `▲ Refusals: ${figure(gateway.refused_per_s)} per second, ${count(gateway.refused_in_60_s)} in the last 60 s. Each refusal counts, even if the car is admitted later.`);
}
