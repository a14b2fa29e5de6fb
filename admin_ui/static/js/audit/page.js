// The audit page: times in this browser's zone, also in its filters, and a notice when there are newer entries.

import { element, text } from "../lib/dom.js";
import { localFields, localTimes } from "../lib/local_times.js";

/** Show times in the browser's zone, and a link when the log has newer entries. */
export function start(stream) {
  localTimes(document.querySelectorAll("#entries time"));
  localFields(document.querySelector("form.filters"));
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
