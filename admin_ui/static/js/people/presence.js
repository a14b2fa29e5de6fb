// Who else has the console open, and which dialogs they have open; shown in the header, and told to the dialogs of this page.

import { attribute, element, text } from "../lib/dom.js";
import { clock } from "../lib/format.js";

const ORDERS = { // as the titles of the dialogs have them
  drain: (target) => `Drain ${target}`, restore: (target) => `Restore ${target}`, capacity: (target) => `Change the limit of ${target}`,
  policy: () => "Switch the policy", stop: (target) => `Stop session ${target}`,
};

/** Dispatches "people" when who is here or what they do has changed, and "audit" when the audit log has a new entry. */
class Presence extends EventTarget {
  others = [];
  #stream = null;
  #shown = "";
  #newest = null;

  /** Follow the stream, and show the others in `place`. */
  follow(stream, place) {
    this.#stream = stream;
    stream.addEventListener("state", () => this.#take(stream.state, place));
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape") place.open = false;
    });
    document.addEventListener("click", ({ target }) => {
      if (!place.contains(target)) place.open = false;
    });
  }

  /** Tell the others which dialog {order, target} is open here; null when it has closed. */
  announce(dialog) {
    this.#stream?.say(dialog && { dialog });
  }

  #take({ people = [], audit }, place) {
    const shown = JSON.stringify(people);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.others = people.filter(({ name }) => name !== document.body.dataset.user);
      show(place, this.others);
      this.dispatchEvent(new Event("people"));
    }
    if (audit.newest !== this.#newest) {
      this.#newest = audit.newest;
      this.dispatchEvent(new Event("audit"));
    }
  }
}

export const presence = new Presence();

/** Return each open dialog of others in a sentence, such as "ben has the dialog “Drain substation-2” open since ...". */
export function openDialogs(others) {
  return others.flatMap(({ name, dialogs }) => dialogs.map(({ order, target, since_unix_s: since }) => (
    `${name} has the dialog “${ORDERS[order]?.(target) ?? order}” open since ${clock(since * 1000)}.`)));
}

function show(place, others) {
  attribute(place, "hidden", !others.length);
  const busy = others.some(({ dialogs }) => dialogs.length);
  const summary = place.querySelector("summary");
  text(summary.querySelector(".shown"), `${busy ? "◆" : "◇"} ${others.length}`);
  text(summary.querySelector(".words"), ` ${others.length === 1 ? "other person" : "other people"} here${busy ? ", with an order open" : ""}`); // for screen readers
  place.querySelector("ul").replaceChildren(...others.map((person) => element(
    "li", {},
    element("strong", {}, person.name), ` (${person.role}), since ${clock(person.since_unix_s * 1000)}`,
    ...openDialogs([person]).map((sentence) => element("p", {}, `◆ ${sentence}`)),
  )));
}
