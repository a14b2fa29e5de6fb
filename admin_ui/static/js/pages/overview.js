// The overview: the fleet's totals, and every substation.

import { element, text } from "/static/js/dom.js";
import { ago, figure, kw, percent } from "/static/js/words.js";

const TOTALS = [
  ["Load", (state) => kw(state.totals.load_kw)],
  ["Limit", (state) => kw(state.totals.capacity_kw)],
  ["Headroom", (state) => kw(state.totals.headroom_kw)],
  ["Utilization", (state) => percent(state.totals.utilization)],
  ["Sessions", (state) => state.totals.sessions],
  ["Requests a second", (state) => figure(state.gateway.requests_per_s)],
  ["Refused a second", (state) => figure(state.gateway.refused_per_s)],
  ["p95, ms", (state) => figure(state.gateway.p95_ms)],
];

/** Fill the page from the stream. */
export function start(stream) {
  const totals = TOTALS.map(([name, of]) => {
    const shown = element("dd");
    document.getElementById("totals").append(element("div", {}, element("dt", {}, name), shown));
    return (state) => text(shown, of(state));
  });
  const place = document.getElementById("substations");
  stream.addEventListener("state", () => {
    for (const show of totals) show(stream.state);
    place.replaceChildren(table(stream.state.substations));
  });
}

function table(rows) {
  const head = ["Substation", "Load", "Limit", "Headroom", "Utilization", "Sessions", "State", "Report"];
  return element(
    "table", {},
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...rows.map((row) => element(
      "tr", {}, element("th", { scope: "row" }, row.substation_id),
      ...[kw(row.load_kw), kw(row.capacity_kw), kw(row.headroom_kw), percent(row.utilization), row.sessions,
        row.draining ? `${row.state}, draining` : row.state, ago(row.report_age_s)].map((value) => element("td", {}, String(value))),
    ))),
  );
}
