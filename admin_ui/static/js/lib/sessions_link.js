// Links from a figure that counts sessions to the list of these sessions.

import { attribute, element, text } from "./dom.js";
import { count } from "./format.js";

/** Return the address of the list with filters, such as {substation: "substation-1", state: "paused"}. */
export function address(filters = {}) {
  const query = new URLSearchParams(filters);
  return query.size ? `/sessions?${query}` : "/sessions";
}

/** Return a link whose text is a figure, and the function that sets it to a number or to words such as "3 paused". */
export function sessionsLink(filters = {}) {
  const link = element("a", { href: address(filters) });
  return [link, (value) => {
    const shown = typeof value === "number" ? count(value) : value;
    text(link, shown);
    attribute(link, "aria-label", `${shown} sessions`);
  }];
}
