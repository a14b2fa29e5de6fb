// The run that goes on, or the last one: how far it is, its figures, its verdict.

import { attribute, element, spaced, text } from "/static/js/lib/dom.js";
import { Countdown } from "/static/js/lib/countdown.js";
import { goesOn, headline, verdictWords } from "/static/js/rush/control.js";
import { changed } from "/static/js/rush/changes.js";
import { showStop } from "/static/js/rush/stop_dialog.js";
import { UNKNOWN, figure, latency, moment } from "/static/js/lib/format.js";

// What the load test's thresholds are called here; others keep their names.
const NAMES = {
  overload_ws: "overload counted by substations, W·s",
  recomputed_kw: "load above a limit by the answers, kW",
  failed: "failed requests",
  refused_untold: "refusals that don't say when to come back",
  max_mean: "max/mean utilization",
  refused: "refused in the end",
  first_refused: "refused at first",
};
const count = (value) => (value === null || value === undefined ? UNKNOWN : value.toLocaleString("en"));

// title, figure, what stands beside it
const FIGURES = [
  ["Sent", (run) => count(run.sent), (run) => (run.planned ? `of ${count(run.planned)}` : "")],
  ["Requests a second", (run) => figure(run.rate_per_s), (run) => (goesOn(run) ? "over the last 2 s" : "in its last 2 s")],
  ["Admitted", (run) => count(run.admitted), () => ""],
  ["Refused in the end", (run) => count(run.refused), (run) => (run.refused ? "▲ no room" : "")],
  ["Failed", (run) => count(run.failed), (run) => (run.failed ? "✕ no answer, or an error" : "")],
  ["Response p50", (run) => latency(run.p50_ms), () => "of the newest 1,000"],
  ["Response p95", (run) => latency(run.p95_ms), () => ""],
  ["Response p99", (run) => latency(run.p99_ms), () => ""],
];

/** Shows a run in `place`; `update` is given the newest state, `found` the run as it is listed once it has ended. */
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
      class: "rush-bar", role: "progressbar", "aria-label": "Time of the run", "aria-valuemin": 0, "aria-valuemax": 100,
    }, this.fill);
    this.left = element("p", { class: "rush-left" });
    this.why = element("p", { class: "notice" });
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
    setInterval(() => this.#progress(this.#ours), 1000); // the time goes on between two messages
    const stopping = stop ? element("p", { class: "rush-stopping" }, stop) : null;
    place.append(
      element("h2", { id: "rush-title" }, ...spaced(this.shape, this.word)), this.sub, this.bar, this.left, this.why, this.figures,
      ...(stopping ? [stopping] : []), this.result,
    );
  }

  #announced;

  update(rush, found) {
    const { run, elsewhere } = rush;
    const [shape, words] = headline(rush);
    attribute(this.#place, "hidden", !run && !elsewhere);
    text(this.shape, shape);
    text(this.word, words);
    text(this.#announced, words);
    const ours = goesOn(run) || !elsewhere ? run : null;
    if (this.stop) showStop(this.stop, run);
    attribute(this.word.parentNode, "data-tone", ours && !goesOn(ours) ? verdictWords(ours.verdict ?? "failed")[2] || null : null);
    text(this.sub, ours ? about(ours) : elsewhereWords(elsewhere));
    this.#ours = ours;
    this.#progress(ours);
    this.#why(ours, found);
    const sent = ours && ours.sent !== null;
    attribute(this.figures, "hidden", !sent);
    if (sent) for (const show of this.rows) show(ours);
    this.#result(ours && !goesOn(ours) ? found : null);
  }

  #progress(run) {
    const shown = goesOn(run) && run.done !== null;
    attribute(this.bar, "hidden", !shown);
    attribute(this.left, "hidden", !shown);
    if (!shown) return;
    const leftS = this.#countdown.leftS(run.eta_s);
    const done = Math.round((run.seconds ? 1 - leftS / run.seconds : run.done) * 100);
    attribute(this.bar, "aria-valuenow", done);
    this.fill.style.setProperty("width", `${done}%`);
    if (run.taken_off) text(this.left, `${count(run.taken_off.ended + run.taken_off.over)} of ${count(run.taken_off.sessions)} sessions have ended`);
    else text(this.left, leftS > 0 ? `${Math.ceil(leftS)} s left of ${run.seconds} s` : "Waiting for the last answers and the result");
  }

  #why(run, found) {
    const advice = run && !goesOn(run) ? verdictWords(run.verdict ?? "failed")[3] : "";
    const said = run ? sentence(goesOn(run) ? run.text : takenOff(run) || (run.verdict === "changed" ? "" : run.why) || broken(run, found)) : ""; // the changes are shown below
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
    this.result.replaceChildren(...(shown ? [disturbed(shown), saturated(shown), thresholds(shown), left(shown)].filter(Boolean) : []));
  }
}

/** Return the links to the data that a run has left. */
export function links(row) {
  const has = (name) => row.files.includes(name);
  const link = (name, words) => (has(name) ? element("a", { href: `/runs/${row.run_id}/${name}` }, words) : null);
  return ["result.json", "requests.csv", "samples.csv"].map((name) => link(name, name)).filter(Boolean);
}

/** Return the link to a run's report, null when it has none. */
export function report(row, words) {
  return row.files.includes("report.html") ? element("a", { href: `/runs/${row.run_id}/report.html` }, words) : null;
}

function left(row) {
  const all = [report(row, "Open the report"), ...links(row)].filter(Boolean);
  return element("ul", { class: "rush-links" }, ...all.map((each) => element("li", {}, each)));
}

function disturbed(row) {
  const told = changed(row);
  if (!told.length) return null;
  return element("p", { class: "notice" }, `△ Changed during the run: ${told.join("; ")}. Who ordered it is in the `, element("a", { href: "/audit" }, "audit log"), ".");
}

function saturated({ generator }) {
  if (!generator || generator.verdict !== "saturated") return null;
  return element("p", { class: "notice" }, `△ The load generator was too slow for this: its latencies say more of this machine than of the grid. ${sentence(generator.why)}`);
}

function thresholds({ thresholds: all }) {
  const judged = [...all].sort((a, b) => a.held - b.held); // what is broken first
  const head = ["Verdict", "Threshold", "Value", "Limit"];
  return element(
    "div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Thresholds" },
    element(
      "table", { class: "rush-table thresholds" },
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...judged.map((each) => element(
        "tr", {}, element("td", { class: "verdict" }, each.held || each.judged !== false ? mark(each.held ? "held" : "broken") : element("span", {}, "◇ not judged")),
        element("th", { scope: "row" }, named(each.name)), element("td", {}, String(each.value)), element("td", {}, String(each.limit)),
      ))),
    ),
  );
}

/** Return a verdict as shape and word. */
export function mark(verdict) {
  const [shape, word, tone] = verdictWords(verdict);
  return element("span", { "data-tone": tone || null }, ...spaced(element("span", { class: "shape", "aria-hidden": "true" }, shape), word));
}

function named(name) {
  return NAMES[name] ?? name;
}

function bound(limit) {
  return String(limit).replace(/^<=/, "at most").replace(/^>=/, "at least");
}

function broken(run, found) {
  if (run.verdict !== "broken" || !found) return "";
  return found.thresholds.filter((each) => !each.held && each.judged !== false).map(({ name, value, limit }) => `${named(name)}: ${value}, where ${bound(limit)} holds`).join("; ");
}

function takenOff({ taken_off: told }) {
  if (!told) return "";
  const parts = [`${count(told.ended)} of the ${count(told.sessions)} sessions of this run were ended by the stop`];
  if (told.over) parts.push(`${count(told.over)} had ended before`);
  if (told.remaining) parts.push(`${count(told.remaining)} could not be ended and may charge on: stop them under Why here`);
  if (told.unknown) parts.push(`${count(told.unknown)} got no answer and may charge too`);
  return parts.join("; ");
}

function about(run) {
  const size = run.requests ? `, ${count(run.requests)} cars in ${run.seconds} s` : "";
  const stopped = run.stopped_by ? `; stopped by ${run.stopped_by}, ${run.ends_sessions ? "with its sessions" : "its cars charge on"}` : "";
  return `${run.run_id ?? run.preset}: seed ${run.seed}${size}, started by ${run.by} at ${moment(run.started_unix_s * 1000)}${stopped}`;
}

function elsewhereWords(runId) {
  return runId ? `${runId} holds the grid. It was started in a terminal or by another console, and can be stopped only there. Its load is live below; its result will be listed when it ends.` : "";
}

function sentence(words) {
  if (!words) return "";
  const said = words[0].toUpperCase() + words.slice(1);
  return /[.!?]$/.test(said) ? said : `${said}.`;
}
