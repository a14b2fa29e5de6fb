// The placement policy, and the button that switches it.

import { actButton } from "../orders/dialog.js";
import { element, spaced, text } from "../lib/dom.js";

/** Show the current policy in `place`. */
export function showPolicy(place, stream) {
  const name = element("strong");
  const button = actButton("Switch…", () => ({ order: "policy", target: "the fleet" }), { get fleet() { return stream.state; } });
  const doubt = element("span", { class: "doubt" });
  place.append(...spaced(element("span", {}, "Policy: ", name), doubt, button));
  stream.addEventListener("state", () => {
    const { policy, forecast_doubt: why } = stream.state;
    text(name, policy ?? "–");
    text(doubt, policy === "predictive" && why ? `◇ for now cars are placed by least_loaded: ${why}` : "");
  });
}
