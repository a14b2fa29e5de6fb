// Links into Grafana: its dashboard of the grid, for the time range that the page shows.

import { attribute, element } from "./dom.js";

const DASHBOARD = "/d/smartgrid"; // its uid, which never changes
const MARGIN_MS = 15000; // before and after what happened, so that the event is in the middle of the picture

/** Return the address for a time range, null where GRAFANA_URL is not set. Without a substation the dashboard shows all of them. */
export function address([from, to], substation = "") {
  const { grafana } = document.body.dataset;
  if (!grafana) return null;
  const query = new URLSearchParams({ from, to });
  if (substation) query.set("var-substation", substation);
  return `${grafana}${DASHBOARD}?${query}`;
}

/** Return the range of the latest seconds, which moves with the clock. */
export function newest(seconds) {
  return [`now-${seconds}s`, "now"];
}

/** Return the range around an event, in Unix seconds; an end of null means that it has not ended. */
export function around(beganUnixS, endedUnixS) {
  return [Math.floor(beganUnixS * 1000) - MARGIN_MS, endedUnixS === null ? "now" : Math.ceil(endedUnixS * 1000) + MARGIN_MS];
}

/** Return a link, null where GRAFANA_URL is not set; `about` distinguishes it for screen readers. */
export function link(range, about, substation = "") {
  const href = address(range, substation);
  return href && element("a", { href, "aria-label": `Grafana: ${about}` }, "Grafana");
}

/** Change the range of a link that is already on the page. */
export function show(anchor, range) {
  if (anchor) attribute(anchor, "href", address(range));
}
