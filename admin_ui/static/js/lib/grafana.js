// Links into Grafana: its dashboard of the grid, over the seconds that are looked at here.

import { attribute, element } from "/static/js/lib/dom.js";

const DASHBOARD = "/d/smartgrid"; // its uid, which never changes
const MARGIN_MS = 15000; // before and after what happened, so that it is seen from outside

/** Return the address of a range, null where GRAFANA_URL is not set; no substation is all of them. */
export function address([from, to], substation = "") {
  const { grafana } = document.body.dataset;
  if (!grafana) return null;
  const query = new URLSearchParams({ from, to });
  if (substation) query.set("var-substation", substation);
  return `${grafana}${DASHBOARD}?${query}`;
}

/** Return the range of the newest seconds, which goes on with the clock. */
export function newest(seconds) {
  return [`now-${seconds}s`, "now"];
}

/** Return the range around what began and ended then, in Unix seconds; null has not ended. */
export function around(beganUnixS, endedUnixS) {
  return [Math.floor(beganUnixS * 1000) - MARGIN_MS, endedUnixS === null ? "now" : Math.ceil(endedUnixS * 1000) + MARGIN_MS];
}

/** Return a link, null where GRAFANA_URL is not set; `about` tells screen readers which one it is. */
export function link(range, about, substation = "") {
  const href = address(range, substation);
  return href && element("a", { href, "aria-label": `Grafana: ${about}` }, "Grafana");
}

/** Let a link that is there already show another range. */
export function show(made, range) {
  if (made) attribute(made, "href", address(range));
}
