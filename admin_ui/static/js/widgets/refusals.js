// Refusals, by the one definition of all pages: each answer that placed no car because no substation had room or none
// could be asked, also when the same request comes again later.

import { attribute, text } from "/static/js/dom.js";
import { count, figure } from "/static/js/words.js";

/** Return the refusals of the last minute in words, "" when there were none. */
export function refusedInAMinute(gateway) {
  return gateway.refused_in_60_s ? `▲ ${count(gateway.refused_in_60_s)} in the last 60 s` : "";
}

/** Show in `place` how many are refused now; hidden while nobody is. */
export function showRefusals(place, gateway) {
  attribute(place, "hidden", !gateway.refused_in_60_s);
  text(place, `▲ Refused now: ${figure(gateway.refused_per_s)} a second, ${count(gateway.refused_in_60_s)} in the last 60 s. Each refusal counts here, also of a car that comes again.`);
}
