// The page of ended sessions: times in this browser's zone, also in its filters.

import { localFields, localTimes } from "../lib/local_times.js";

/** Show times in the browser's zone. */
export function start() {
  localTimes(document.querySelectorAll("main time"));
  localFields(document.querySelector("form.filters"));
}
