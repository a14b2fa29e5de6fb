// The figures of the fleet: four that lead, at a size that reads across a room, and the others on one line.

import { attribute, element, text } from "../lib/dom.js";
import { carried, parts } from "../lib/carried.js";
import { NEAR } from "../lib/conditions.js";
import { refusedInAMinute } from "../lib/refusals.js";
import { address } from "../lib/sessions_link.js";
import { UNKNOWN, ago, count, figure, kw, latency, percent, trend } from "../lib/format.js";

const LONGEST_S = 86400; // a trend says nothing about a later day

// Without substations the figures are unknown, not 0.
const known = (of) => (state) => (state.substations.length ? of(state) : UNKNOWN);
const lines = (...each) => each.filter(Boolean).join("\n");

// title, figure, note beside it, level (default: normal)
const LEADING = [
  ["Load of the usable limit", known(({ totals }) => kw(carried(totals))), ({ totals }) => lines(`of ${kw(totals.capacity_kw)}: ${percent(totals.utilization)}`, moves(totals), parts(totals, kw)), loadLevel],
  ["Room for new cars", known(({ totals }) => kw(totals.headroom_kw)), known(({ totals }) => untilGone(totals))],
  ["N-1 margin", known(({ totals }) => (totals.usable ? kw(totals.n1_margin_kw) : UNKNOWN)), known(({ totals }) => covered(totals))],
  ["Refusals", ({ gateway }) => (gateway.refused_per_s === null ? UNKNOWN : `${figure(gateway.refused_per_s)} /s`), ({ gateway }) => silence(gateway) || refusedInAMinute(gateway) || "none in the last 60 s"],
];
// title, figure, note beside it; address of what is counted, and when it is shown (default: always)
const OTHERS = [
  ["Sessions", known(({ totals }) => count(totals.sessions)), ({ totals }) => (totals.paused ? `‖ ${count(totals.paused)} paused` : ""), { counted: address() }],
  ["Requests", ({ gateway }) => (gateway.requests_per_s === null ? UNKNOWN : `${figure(gateway.requests_per_s)} /s`), ({ gateway }) => (gateway.failed_in_60_s ? `✕ ${count(gateway.failed_in_60_s)} failed in 60 s` : "")],
  ["Response time p95", ({ gateway }) => latency(gateway.p95_ms), ({ gateway }) => (gateway.p95_ms === null && !silence(gateway) ? "no requests for 60 s" : "")],
  ["Energy today", ({ energy }) => (energy.today_kwh === null ? UNKNOWN : `${count(energy.today_kwh)} kWh`), () => "", { counted: "/energy", hint: "Energy by day and substation" }],
  ["Peak, 15 min", known(({ totals }) => kw(totals.peak_kw)), () => ""],
  ["Old reports", ({ totals }) => `◷ ${count(totals.stale)}`, () => "", { when: ({ totals }) => totals.stale > 0 }],
];

/** Put the figures into `place`; returns the function that updates them. */
export function figures(place) {
  const leading = element("dl", { class: "leading" });
  const others = element("dl", { class: "others" });
  const load = bar();
  const updates = [
    ...LEADING.map(([title, of, beside, level], at) => cell(leading, title, of, beside, { level, more: at ? null : load.node })),
    ...OTHERS.map(([title, of, beside, more = {}]) => cell(others, title, of, beside, more)),
    load.update,
  ];
  place.append(leading, others);
  return (state) => { for (const update of updates) update(state); };
}

function cell(list, title, of, beside, { level = () => "normal", when = () => true, more = null, counted = null, hint = `List of ${title.toLowerCase()}` }) {
  const value = counted ? element("a", { href: counted, title: hint }) : element("dd", { class: "value" });
  const note = element("dd", { class: "beside" });
  const whole = element("div", {}, element("dt", {}, title), " ", counted ? element("dd", { class: "value" }, value) : value, " ", more, note);
  list.append(whole);
  return (state) => {
    attribute(whole, "data-level", level(state));
    attribute(whole, "hidden", !when(state));
    text(value, of(state));
    text(note, beside(state));
  };
}

/** Return the bar of the load, which ends at the limit; the base load is its darker part. */
function bar() {
  const fill = element("span", { class: "bar-fill" });
  const base = element("span", { class: "bar-base" });
  const node = element("dd", { class: "bar", "aria-hidden": "true" }, fill, base);
  const width = (part, totals) => `${Math.min(100, totals.capacity_kw ? (part / totals.capacity_kw) * 100 : 0).toFixed(1)}%`;
  return { node, update: ({ totals }) => {
    fill.style.setProperty("width", width(carried(totals), totals));
    base.style.setProperty("width", width(totals.base_load_kw ?? 0, totals));
  } };
}

function loadLevel({ totals, substations }) {
  if (!substations.length || !totals.capacity_kw) return "normal";
  return totals.utilization > 1.00005 ? "critical" : totals.utilization > NEAR ? "warning" : "normal";
}

/** Return how the fleet's load changes. */
function moves({ trend_kw_s: kwPerS, capacity_kw: capacityKw }) {
  return (trend(kwPerS, capacityKw) ?? []).filter(Boolean).join(" ");
}

/** Return in words when the room is gone if the load goes on rising as it does now. */
function untilGone({ headroom_kw: roomKw, trend_kw_s: kwPerS, capacity_kw: capacityKw, usable }) {
  if (!usable) return "✕ no substation takes new cars";
  if (roomKw < 0.05) return "✕ none is left";
  const [, way] = trend(kwPerS, capacityKw) ?? [];
  if (!way) return "";
  if (way !== "rising") return `load ${way}`;
  const seconds = roomKw / kwPerS;
  return seconds > LONGEST_S ? "load rising slowly" : `▲ gone in ${ago(seconds)} at this trend`;
}

function covered({ usable, n1_margin_kw: marginKw }) {
  if (!usable) return "";
  if (usable === 1) return "△ only one substation is usable";
  return marginKw >= 0 ? "the largest substation can be lost" : "△ not covered if the largest substation is lost";
}

function silence(gateway) {
  return gateway.requests_per_s === null ? "◷ no data from the gateway" : "";
}
