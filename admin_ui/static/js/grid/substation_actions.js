// What an operator can do to one substation, in its details.

import { actButton, mayAct } from "../orders/dialog.js";
import { attribute, element } from "../lib/dom.js";

/** Fill `place`, an empty `<div class="actions">`, with the actions on a substation. */
export function fill(place, stream, substationId) {
  place.dataset.substation = substationId;
  if (!mayAct()) {
    place.append(element("p", { class: "may-not" }, "Draining a substation and changing its limit require the operator role."));
    return;
  }
  const button = (label, order) => actButton(label, () => ({ order, target: substationId }), { get fleet() { return stream.state; } });
  const [drain, restore, limit] = [button("Drain…", "drain"), button("Restore…", "restore"), button("Change limit…", "capacity")];
  for (const [key, each] of Object.entries({ d: drain, r: restore, l: limit })) each.dataset.shortcut = key;
  place.append(drain, restore, limit);
  const show = () => {
    if (!place.isConnected) {
      stream.removeEventListener("state", show);
      return;
    }
    const row = stream.state?.substations.find((each) => each.substation_id === substationId);
    const focused = document.activeElement;
    attribute(drain, "hidden", !row || row.draining ? "" : null);
    attribute(restore, "hidden", !row?.draining ? "" : null);
    attribute(limit, "hidden", !row ? "" : null);
    if (focused === drain && drain.hidden) restore.focus();
    if (focused === restore && restore.hidden) drain.focus();
  };
  stream.addEventListener("state", show);
  queueMicrotask(show);
}
