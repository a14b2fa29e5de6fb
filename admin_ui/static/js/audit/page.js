// The audit page: times in this browser's zone, and a notice when there are newer entries.

import { attribute, element, text } from "../lib/dom.js";
import { moment } from "../lib/format.js";

/** Show times in the browser's zone, and a link when the log has newer entries. */
export function start(stream) {
  for (const time of document.querySelectorAll("#entries time")) {
    attribute(time, "title", time.textContent.trim());
    text(time, moment(Date.parse(time.dateTime)));
  }
  const newestShown = Number(document.getElementById("log").dataset.newest);
  const place = document.getElementById("newer");
  const link = element("a", { href: place.dataset.href });
  stream.addEventListener("state", () => {
    const newer = stream.state.audit.newest - newestShown;
    if (newer < 1) return;
    text(link, newer === 1 ? "Show 1 newer entry" : `Show ${newer} newer entries`);
    if (!link.isConnected) place.append(link);
  });
}
