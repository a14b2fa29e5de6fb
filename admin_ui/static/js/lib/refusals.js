// Refusals, defined in the same way on all pages: each answer without a session because no substation had room or none
// could be asked, even if the same request is placed later.

import { attribute, text } from "/static/js/lib/dom.js";
import { count, figure } from "/static/js/lib/format.js";

/** Return the refusals of the last minute in words, "" when there were none. */
export function refusedInAMinute(gateway) {
  return gateway.refused_in_60_s ? `▲ ${count(gateway.refused_in_60_s)} in the last 60 s` : "";
}

/** Show in `place` how many are refused now; hidden while nobody is. */
export function showRefusals(place, gateway) {
  attribute(place, "hidden", !gateway.refused_in_60_s);
  text(place, `▲ Refused now: ${figure(gateway.refused_per_s)} a second, ${count(gateway.refused_in_60_s)} in the last 60 s. Each refusal counts, even if the car is admitted later.`);
}
