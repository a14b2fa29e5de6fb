// The overview: the fleet's totals, charts, and every substation.

import { attribute, element, text } from "../lib/dom.js";
import { History } from "./history.js";
import * as grafana from "../lib/grafana.js";
import { showPolicy } from "./policy.js";
import { Announcer, EmptyNotice, gaps, leftOut, listed, nothingToShow } from "./notices.js";
import { OverviewCharts, chartsButton } from "./charts.js";
import { refusedInAMinute } from "../lib/refusals.js";
import { rushButton } from "../rush/chip.js";
import { SubstationTable } from "./table.js";
import { abnormal } from "../lib/conditions.js";
import { carried, parts } from "../lib/carried.js";
import { SubstationPanel } from "./substation_panel.js";
import { View } from "../lib/view.js";
import { address } from "../lib/sessions_link.js";
import { UNKNOWN, count, figure, kw, percent, trend, zone } from "../lib/format.js";

// Without substations the figures are unknown, not 0.
const known = (of) => (state) => (state.substations.length ? of(state) : UNKNOWN);

// title, figure, note beside it, address of what is counted
const TOTALS = [
  ["Load", known(({ totals }) => kw(carried(totals))), ({ totals }) => [parts(totals, kw), moves(totals)].filter(Boolean).join("\n")],
  ["Limit", known(({ totals }) => kw(totals.capacity_kw)), ({ totals }) => (totals.left_out.length ? `of ${count(totals.usable)} that take new cars` : "")],
  ["Headroom", known(({ totals }) => kw(totals.headroom_kw)), () => "for new cars"],
  ["Utilization", known(({ totals }) => percent(totals.utilization)), ({ totals }) => (totals.stale ? `◷ old reports: ${totals.stale}` : "")],
  ["Sessions", known(({ totals }) => count(totals.sessions)), ({ totals }) => `at ${count(totals.substations)} substations${totals.paused ? `\n‖ ${count(totals.paused)} paused` : ""}`, address()],
  ["Requests per second", ({ gateway }) => figure(gateway.requests_per_s), ({ gateway }) => gatewaySilence(gateway) || (gateway.failed_in_60_s ? `✕ ${count(gateway.failed_in_60_s)} failed in 60 s` : "")],
  ["Refused per second", ({ gateway }) => figure(gateway.refused_per_s), ({ gateway }) => gatewaySilence(gateway) || refusedInAMinute(gateway)],
  ["Response time p95", ({ gateway }) => (gateway.p95_ms === null ? UNKNOWN : `${figure(gateway.p95_ms)} ms`), ({ gateway }) => (gateway.p95_ms === null ? gatewaySilence(gateway) || "no requests for 60 s" : "in the last 60 s")],
];

const SPAN_S = "300"; // of the charts

/** Fill the page from the stream. */
export function start(stream) {
  rushButton(byId("rush-button"), stream);
  const view = new View();
  const history = new History(stream);
  const table = new SubstationTable(byId("substations"), stream, history, view);
  const charts = new OverviewCharts(byId("charts"), history);
  const panel = new SubstationPanel(byId("substation"), stream, history, view, table);
  const notice = new EmptyNotice(byId("nothing"), () => view.set({ q: "", abnormal: "", page: "" }));
  const announcer = new Announcer(byId("announced"));
  showPolicy(byId("policy"), stream);
  const totals = TOTALS.map(total);
  const controls = filters(view);
  const inGrafana = grafana.link(grafana.newest(SPAN_S), "load and limit");
  byId("grafana").append(inGrafana ?? "");

  const chart = () => {
    const all = view.get("charts") === "all";
    charts.show(table.ids, all, Number(view.get("span", SPAN_S)));
    grafana.show(inGrafana, grafana.newest(view.get("span", SPAN_S)));
    chartsButton(byId("more-charts"), all, table.found);
  };
  const show = () => {
    const { state } = stream;
    for (const update of totals) update(state);
    text(byId("left-out"), leftOut(state.totals));
    attribute(byId("left-out"), "hidden", !state.totals.left_out.length);
    table.update();
    panel.update();
    controls(state);
    const filtered = Boolean(view.get("q") || view.get("abnormal"));
    notice.show(nothingToShow(state, document.body.dataset.balancer, table.found, view.get("abnormal") === "1" && !view.get("q")), filtered);
    attribute(byId("board"), "data-empty", state.substations.length ? null : "");
    text(byId("zone"), `Times: ${zone(Date.now())}`);
    text(byId("grid-time"), gridTime(state.substations));
    text(byId("gaps"), gaps(state.outages));
    attribute(byId("gaps"), "hidden", !state.outages.length);
    if (stream.live && !state.link.stale) announcer.update(state.substations);
  };
  let waiting = false;
  stream.addEventListener("state", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      show();
    });
  });
  history.addEventListener("second", () => { if (!stream.live && stream.state) show(); }); // ages increase
  table.addEventListener("change", chart);
  view.addEventListener("change", chart);
  new ResizeObserver(chart).observe(byId("charts"));
  byId("more-charts").addEventListener("click", () => view.set({ charts: view.get("charts") === "all" ? "" : "all" }));
}

function total([title, of, beside, counted]) {
  const value = counted ? element("a", { href: counted, title: `List of ${title.toLowerCase()}` }) : element("dd");
  const more = element("dd", { class: "beside" });
  byId("totals").append(element("div", {}, element("dt", {}, title), counted ? element("dd", {}, value) : value, more));
  return (state) => {
    text(value, of(state));
    text(more, beside(state));
  };
}

/** Wire the search and the filters; returns the function that updates their counts. */
function filters(view) {
  const search = byId("search");
  const only = byId("abnormal");
  const span = byId("span");
  const read = () => {
    if (search.value !== view.get("q")) search.value = view.get("q");
    only.checked = view.get("abnormal") === "1";
    span.value = view.get("span", SPAN_S);
  };
  if (search.value && !view.get("q")) view.set({ q: search.value }); // the user typed before this script ran
  read();
  view.addEventListener("change", read);
  search.addEventListener("input", () => view.set({ q: search.value, page: "" }));
  only.addEventListener("change", () => view.set({ abnormal: only.checked ? "1" : "", page: "" }));
  span.addEventListener("change", () => view.set({ span: span.value === SPAN_S ? "" : span.value }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  return (state) => {
    text(byId("abnormal-count"), state.substations.filter(abnormal).length);
    attribute(byId("unseen"), "hidden", !state.unseen?.length || !state.substations.length);
    text(byId("unseen"), state.unseen?.length ? `◇ No substation has answered yet at ${listed(state.unseen)}. Check that it is running.` : "");
  };
}

/** Return the time of day by the grid's clock, which a base load follows; "" where there is none. */
function gridTime(substations) {
  const found = substations.find((row) => row.grid_time);
  return found ? `Grid clock: ${found.grid_time}` : "";
}

/** Return how the fleet's load changes, and its peak. */
function moves({ trend_kw_s: kwPerS, capacity_kw: capacityKw, peak_kw: peakKw }) {
  return [(trend(kwPerS, capacityKw) ?? []).filter(Boolean).join(" "), peakKw ? `peak ${kw(peakKw)}` : ""].filter(Boolean).join(", ");
}

function gatewaySilence(gateway) {
  return gateway.requests_per_s === null ? "◷ no data from the gateway" : "";
}

function byId(id) {
  return document.getElementById(id);
}
