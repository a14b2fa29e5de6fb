// The placement policy, and the button that switches it.

import { actButton } from "../orders/dialog.js";
import { element, spaced, text } from "../lib/dom.js";

/** Show the current policy in `place`. */
export function showPolicy(place, stream) {
  const name = element("strong");
  const button = actButton("Switch…", () => ({ order: "policy", target: "the fleet" }), { get fleet() { return stream.state; } });
  place.append(...spaced(element("span", {}, "Placement policy: ", name), button));
  stream.addEventListener("state", () => text(name, stream.state.policy ?? "–"));
}
