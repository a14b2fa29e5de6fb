// The policy that cars are placed by, and the button that switches it.

import { actButton } from "/static/js/orders/dialog.js";
import { element, spaced, text } from "/static/js/lib/dom.js";

/** Fill `place` with the policy of now. */
export function policy(place, stream) {
  const shown = element("strong");
  const button = actButton("Switch…", () => ({ order: "policy", target: "the fleet" }), { get fleet() { return stream.state; } });
  place.append(...spaced(element("span", {}, "Placed by ", shown), button));
  stream.addEventListener("state", () => text(shown, stream.state.policy ?? "–"));
}
