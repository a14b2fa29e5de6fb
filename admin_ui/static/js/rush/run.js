// The current run or the last one: progress, figures and verdict.

import { attribute, element, spaced, text } from "../lib/dom.js";
import { Countdown } from "../lib/countdown.js";
import { inProgress, headline, verdictWords } from "./control.js";
import { changed } from "./changes.js";
import { Chips } from "./chips.js";
import { RushCurves } from "./curves.js";
import { showStop } from "./stop_dialog.js";
import { UNKNOWN, figure, latency, moment } from "../lib/format.js";

// Labels of the load test's thresholds; others keep their names.
const NAMES = {
  overload_ws: "overload reported by substations (W·s)",
  recomputed_kw: "load above a limit, computed from responses (kW)",
  failed: "failed requests",
  refused_without_retry_after: "refusals without Retry-After",
  refused_untold: "refusals without Retry-After", // its name in results of earlier versions
  max_mean: "max/mean utilization",
  refused: "refused in the end",
  first_refused: "refused at first",
};
// What the names of thresholds end with.
const UNITS = [[/_ws$/, "W·s"], [/_kw$/, "kW"], [/_ms$/, "ms"], [/_minutes$/, "min"], [/_s$/, "s"]];
const count = (value) => (value === null || value === undefined ? UNKNOWN : value.toLocaleString("en"));

// title, figure, note beside it
const FIGURES = [
  ["Sent", (run) => count(run.sent), (run) => (run.planned ? `of ${count(run.planned)}` : "")],
  ["Requests per second", (run) => figure(run.rate_per_s), (run) => (inProgress(run) ? "over the last 2 s" : "in its last 2 s")],
  ["Admitted", (run) => count(run.admitted), () => ""],
  ["Refused in the end", (run) => count(run.refused), (run) => (run.refused ? "▲ no room" : "")],
  ["Waiting to retry", (run) => count(run.waiting), (run) => (run.waiting ? "◷ refused so far, will ask again" : "")],
  ["Failed", (run) => count(run.failed), (run) => (run.failed ? "✕ no response, or an error" : "")],
  ["Response p50", (run) => latency(run.p50_ms), () => "of the latest 1,000"],
  ["Response p95", (run) => latency(run.p95_ms), () => ""],
  ["Response p99", (run) => latency(run.p99_ms), () => ""],
];

/** Shows a run in `place`. Call `update` with the newest state, and with the run as listed once it has ended. */
export class RushRun {
  #place;
  #thresholds = null;
  #countdown = new Countdown();
  #ours = null;

  constructor(place, announced, stop = null) {
    this.#place = place;
    this.stop = stop;
    this.#announced = announced;
    this.shape = element("span", { class: "shape", "aria-hidden": "true" });
    this.word = element("span", { class: "rush-verdict" });
    this.sub = element("p", { class: "rush-sub" });
    this.fill = element("div");
    this.bar = element("div", {
      class: "rush-bar", role: "progressbar", "aria-label": "Run progress", "aria-valuemin": 0, "aria-valuemax": 100,
    }, this.fill);
    this.left = element("p", { class: "rush-left" });
    this.why = element("p", { class: "notice" });
    this.outcome = element("p", { class: "rush-outcome" });
    this.figures = element("dl", { class: "totals" });
    this.rows = FIGURES.map(([title, of, beside]) => {
      const shown = element("dd");
      const more = element("dd", { class: "beside" });
      this.figures.append(element("div", {}, element("dt", {}, title), shown, more));
      return (run) => {
        text(shown, of(run));
        text(more, beside(run));
      };
    });
    this.result = element("div");
    this.chips = new Chips(announced);
    const curves = element("div", { hidden: true });
    setInterval(() => this.#progress(this.#ours), 1000); // the countdown continues between two messages
    const stopping = stop ? element("p", { class: "rush-stopping" }, stop) : null; // never where Start is
    place.append(
      element("h2", { id: "rush-title" }, ...spaced(this.shape, this.word)), this.sub, this.bar, this.left,
      ...(stopping ? [stopping] : []), this.outcome, this.why, this.chips.node, this.figures, curves, this.result,
    );
    this.curves = new RushCurves(curves);
  }

  #announced;

  update(rush, found) {
    const { run, elsewhere } = rush;
    const [shape, words] = headline(rush);
    attribute(this.#place, "hidden", !run && !elsewhere);
    text(this.shape, shape);
    text(this.word, words);
    text(this.#announced, words);
    const ours = inProgress(run) || !elsewhere ? run : rush.elsewhere_run; // or what its lines tell of one from elsewhere
    if (this.stop) showStop(this.stop, run);
    attribute(this.word.parentNode, "data-tone", ours && !inProgress(ours) ? verdictWords(ours.verdict ?? "failed")[2] || null : null);
    text(this.sub, ours && ours === run ? about(run) : elsewhereWords(elsewhere));
    this.#ours = ours;
    this.#progress(ours);
    this.#why(ours, found);
    const became = ours && !inProgress(ours) ? outcome(ours, found) : "";
    text(this.outcome, became);
    attribute(this.outcome, "hidden", !became);
    const sent = ours && ours.sent !== null;
    attribute(this.figures, "hidden", !sent);
    if (sent) for (const show of this.rows) show(ours);
    this.chips.show(inProgress(ours) ? ours.thresholds : []);
    this.curves.update(ours);
    this.#result(ours && !inProgress(ours) ? found : null);
  }

  #progress(run) {
    const shown = inProgress(run) && run.done !== null;
    attribute(this.bar, "hidden", !shown);
    attribute(this.left, "hidden", !shown);
    if (!shown) return;
    const leftS = this.#countdown.leftS(run.eta_s);
    const done = Math.round((run.seconds ? 1 - leftS / run.seconds : run.done) * 100);
    attribute(this.bar, "aria-valuenow", done);
    this.fill.style.setProperty("width", `${done}%`);
    if (run.taken_off) text(this.left, `${count(run.taken_off.ended + run.taken_off.over)} of ${count(run.taken_off.sessions)} sessions have ended`);
    else text(this.left, leftS > 0 ? `${Math.ceil(leftS)} s left of ${run.seconds} s` : "Waiting for the last responses and the result");
  }

  #why(run, found) {
    const advice = run && !inProgress(run) ? verdictWords(run.verdict ?? "failed")[3] : "";
    const said = run ? sentence(inProgress(run) ? run.text : stopOutcome(run) || (run.verdict === "changed" ? "" : run.why) || failedThresholds(run, found)) : ""; // the changes are shown below
    const shown = [said, said || run?.verdict !== "interrupted" ? advice : ""].filter(Boolean).join(" ");
    const left = run?.taken_off ? run.taken_off.remaining + run.taken_off.unknown : null;
    attribute(this.why, "class", run?.verdict === "interrupted" && left === 0 ? "notice calm" : "notice"); // nothing is abnormal
    attribute(this.why, "hidden", !shown);
    text(this.why, shown);
  }

  #result(found) {
    const shown = found?.files.includes("result.json") ? found : null;
    if (shown === this.#thresholds) return;
    this.#thresholds = shown;
    this.result.replaceChildren(...(shown ? [gridChanges(shown), slowGenerator(shown), thresholds(shown), runLinks(shown)].filter(Boolean) : []));
  }
}

/** Return in one sentence what became of the cars of a run that has ended; "" when nothing was sent. */
function outcome(run, found) {
  if (found?.outcome) return found.outcome; // the report says the same
  if (!run.planned || run.admitted === null) return "";
  const less = changed(found ?? {}, ["drained", "limit"]);
  const because = less.length ? `because no substation had room (${less.join("; ")})` : "because no substation had room";
  return [
    `${count(run.admitted)} of ${count(run.planned)} cars charged`,
    run.refused ? `${count(run.refused)} ${run.refused === 1 ? "was" : "were"} refused ${because}` : "",
    run.failed ? `${count(run.failed)} got no answer, or an error` : "",
  ].filter(Boolean).join("; ") + ".";
}

/** Return the links to the data files of a run. */
export function links(row) {
  const has = (name) => row.files.includes(name);
  const link = (name, words) => (has(name) ? element("a", { href: `/runs/${row.run_id}/${name}` }, words) : null);
  return ["result.json", "requests.csv", "samples.csv"].map((name) => link(name, name)).filter(Boolean);
}

/** Return the link to a run's report, null when it has none. */
export function report(row, words) {
  return row.files.includes("report.html") ? element("a", { href: `/runs/${row.run_id}/report.html` }, words) : null;
}

function runLinks(row) {
  const all = [report(row, "Open the report"), ...links(row)].filter(Boolean);
  return element("ul", { class: "rush-links" }, ...all.map((each) => element("li", {}, each)));
}

function gridChanges(row) {
  const changes = changed(row);
  if (!changes.length) return null;
  return element("p", { class: "notice" }, `△ The grid was changed during the run: ${changes.join("; ")}. To see who changed it, open the `, element("a", { href: "/audit" }, "audit log"), ".");
}

function slowGenerator({ generator }) {
  if (!generator || generator.verdict !== "saturated") return null;
  return element("p", { class: "notice" }, `△ The load generator was too slow: the response times reflect this machine more than the grid. ${sentence(generator.why)}`);
}

function thresholds({ thresholds: all }) {
  const judged = [...all].sort((a, b) => a.held - b.held); // failed ones first
  const head = ["Verdict", "Threshold", "Value", "Limit"];
  return element(
    "div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Thresholds" },
    element(
      "table", { class: "rush-table thresholds" },
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...judged.map((each) => element(
        "tr", {}, element("td", { class: "verdict" }, each.held || each.judged !== false ? mark(each.held ? "held" : "broken") : element("span", {}, ...spaced(element("span", { class: "shape", "aria-hidden": "true" }, "◇"), "not judged"))),
        element("th", { scope: "row" }, each.title ?? label(each.name)), element("td", {}, withUnit(each.name, each.value)), element("td", {}, withUnit(each.name, bound(each.limit))),
      ))),
    ),
  );
}

/** Return a verdict as shape and word. */
export function mark(verdict) {
  const [shape, word, tone] = verdictWords(verdict);
  return element("span", { "data-tone": tone || null }, ...spaced(element("span", { class: "shape", "aria-hidden": "true" }, shape), word));
}

function label(name) {
  return NAMES[name] ?? name;
}

/** Return a value or a limit with the unit of its threshold; a limit's sign as words. */
function withUnit(name, value) {
  const shown = typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 4 }) : String(value);
  const [, unit] = UNITS.find(([end]) => end.test(name)) ?? [];
  return unit && /\d$/.test(shown) ? `${shown} ${unit}` : shown;
}

function bound(limit) {
  return String(limit).replace(/^<=/, "at most").replace(/^>=/, "at least").replace(/^</, "below").replace(/^>/, "above");
}

function failedThresholds(run, found) {
  if (run.verdict !== "broken" || !found) return "";
  return found.thresholds.filter((each) => !each.held && each.judged !== false).map(({ name, title, value, limit }) => `${title ?? label(name)}: ${withUnit(name, value)} (limit: ${withUnit(name, bound(limit))})`).join("; ");
}

function stopOutcome({ taken_off: outcome }) {
  if (!outcome) return "";
  const parts = [`the stop ended ${count(outcome.ended)} of the ${count(outcome.sessions)} sessions of this run`];
  if (outcome.over) parts.push(`${count(outcome.over)} had already ended`);
  if (outcome.remaining) parts.push(`${count(outcome.remaining)} could not be ended and may still be charging: stop them on the Decisions page`);
  if (outcome.unknown) parts.push(`${count(outcome.unknown)} did not answer and may still be charging`);
  return parts.join("; ");
}

function about(run) {
  const size = run.requests ? `, ${count(run.requests)} cars in ${run.seconds} s` : "";
  const stopped = run.stopped_by ? `; stopped by ${run.stopped_by}, ${run.ends_sessions ? "sessions ended" : "sessions continue"}` : "";
  return `${run.run_id ?? run.preset}: seed ${run.seed}${size}, started by ${run.by} at ${moment(run.started_unix_s * 1000)}${stopped}`;
}

function elsewhereWords(runId) {
  return runId ? `${runId} is running. It was started in a terminal or by another console and can be stopped only there. Its result is listed when it ends.` : "";
}

function sentence(words) {
  if (!words) return "";
  const full = words[0].toUpperCase() + words.slice(1);
  return /[.!?]$/.test(full) ? full : `${full}.`;
}
