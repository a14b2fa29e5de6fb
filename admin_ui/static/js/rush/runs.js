// The list of runs, newest first: verdict, figures and report of each, and the selection for a comparison.

import { ask, at } from "../lib/address.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import * as grafana from "../lib/grafana.js";
import { changed, changedShort, comparable } from "./changes.js";
import { links, mark, report } from "./run.js";
import { UNKNOWN, figure, latency, moment, percent } from "../lib/format.js";

const FIRST = 20; // more on request
const LEAST = 2;
const MOST = 10;
const known = (value, words) => (value === null || value === undefined ? UNKNOWN : words(value));

const PICKS = "ABCDEFGHIJ"; // in the order in which runs are picked

const COLUMNS = [
  ["Preset, seed", (run) => `${run.preset}, ${run.seed}`],
  ["Policy", (run) => run.policy ?? UNKNOWN],
  ["Changes", (run) => (changed(run).length ? `△ ${changedShort(run)}` : ""), "changed"],
  ["Max/mean", (run) => known(run.balance_ratio, (value) => value.toFixed(4)), "number"],
  ["Peak", (run) => percent(run.peak_utilization), "number"],
  ["p95", (run) => latency(run.p95_ms), "number"],
  ["Sent", (run) => known(run.sent, String), "number"],
  ["Refused in the end", (run) => known(run.refused, String), "number"],
  ["Duration", (run) => known(run.duration_s, (value) => `${figure(value)} s`), "number"],
];

/** Keeps the list. `load` fetches it again and dispatches "change" when it has arrived. */
export class RushRuns extends EventTarget {
  runs = [];
  #chosen = new Set();
  #all = false;
  #running = null;

  constructor(place, view) {
    super();
    this.#chosen = new Set(view.get("compare").split(",").filter(Boolean));
    this.view = view;
    this.status = element("p", { role: "status" });
    this.compare = element("button", { type: "submit" }, "Compare");
    this.body = element("tbody");
    this.older = element("button", { type: "button", class: "quiet", click: () => { this.#all = true; this.#show(); } });
    this.empty = element("p", { class: "panel" });
    const head = [["Pick"], ["Time"], ["Verdict"], ["Load"], ["Report"], ...COLUMNS, ["Data"]];
    this.form = element(
      "form", { action: "/runs/compare", method: "get" },
      element("div", { class: "runs-line" }, this.compare, this.status),
      element("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Run table" },
        element("table", { class: "rush-table runs" },
          element("thead", {}, element("tr", {}, ...head.map(([name, , kind]) => element("th", { scope: "col", class: kind }, name)))), this.body)),
      this.older,
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#enough()) location.assign(at(`/runs/compare?${new URLSearchParams([...this.#chosen].map((name) => ["run", name]))}`));
    });
    place.append(this.empty, this.form);
    text(this.empty, "Loading runs…");
    attribute(this.form, "hidden", true);
  }

  /** Fetch the list; `running` is the run that has not ended. */
  async load(running) {
    this.#running = running;
    const answer = await ask("/api/runs").catch(() => null);
    const list = await answer?.json().catch(() => null);
    if (!answer?.ok) {
      attribute(this.empty, "hidden", null);
      text(this.empty, `✕ The runs cannot be loaded. ${list?.detail ?? "The console does not answer."} Reload the page to try again.`);
      return;
    }
    this.runs = list.runs;
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  find(runId) {
    return this.runs.find((run) => run.run_id === runId);
  }

  #show() {
    attribute(this.empty, "hidden", this.runs.length > 0);
    attribute(this.form, "hidden", this.runs.length === 0);
    text(this.empty, "No runs yet. Start a rush hour; its verdict and report appear here after about a minute.");
    const shown = this.#all ? this.runs : this.runs.slice(0, FIRST);
    attribute(this.older, "hidden", shown.length === this.runs.length);
    text(this.older, `Show ${this.runs.length - shown.length} older runs`);
    this.#chosen = new Set([...this.#chosen].filter((name) => this.find(name)?.files.includes("result.json")));
    const focused = document.activeElement?.getAttribute("value");
    this.body.replaceChildren(...shown.map((run) => this.#row(run)));
    if (focused) this.body.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
    this.#showStatus();
  }

  #row(run) {
    const day = moment(run.at_unix_s * 1000);
    const box = element("input", {
      type: "checkbox", name: "run", value: run.run_id, "aria-label": `Compare the run of ${day}`,
      change: () => {
        if (box.checked) this.#chosen.add(run.run_id);
        else this.#chosen.delete(run.run_id);
        this.view.set({ compare: [...this.#chosen].join(",") });
        this.#showStatus();
      },
    });
    const pick = element("span", { class: "pick", "data-run": run.run_id });
    box.checked = this.#chosen.has(run.run_id);
    box.disabled = !run.files.includes("result.json");
    const running = run.run_id === this.#running && run.verdict === "no end";
    return element(
      "tr", {}, element("td", {}, element("label", {}, box, pick)), element("th", { scope: "row", title: run.run_id }, day),
      element("td", { class: "verdict" }, running ? element("span", {}, "▶ running") : mark(run.verdict)),
      element("td", {}, curve(run)), element("td", {}, reportLink(run, day)),
      ...COLUMNS.map(([, of, kind]) => element("td", { class: kind }, String(of(run)))),
      element("td", {}, ...spaced(...links(run), inGrafana(run, running, day))),
    );
  }

  #enough() {
    return this.#chosen.size >= LEAST && this.#chosen.size <= MOST;
  }

  #showStatus() {
    const count = this.#chosen.size;
    const picks = [...this.#chosen];
    for (const pick of this.body.querySelectorAll(".pick")) text(pick, PICKS[picks.indexOf(pick.dataset.run)] ?? "");
    text(this.compare, count === LEAST ? "Compare A and B" : "Compare");
    attribute(this.compare, "aria-disabled", this.#enough() ? null : "true");
    if (count > MOST) text(this.status, `${count} runs selected. At most ${MOST} can be compared.`);
    else text(this.status, count >= LEAST ? `${count} runs selected. ${this.#comparable()}` : "Pick two runs, A and B, or up to ten.");
  }

  #comparable() {
    return comparable([...this.#chosen].map((name) => this.find(name)), (run) => `The run of ${moment(run.at_unix_s * 1000)}`);
  }
}

/** Return the load of the fleet over a run as a small line below its limit; null where it is not known. */
function curve({ curve: points, peak_utilization: peak }) {
  if (!points?.some((point) => point !== null)) return null;
  const most = Math.max(1.05, ...points.map((point) => point ?? 0));
  const y = (share) => (20 - (share / most) * 20).toFixed(1);
  let pen = "M";
  let line = "";
  points.forEach((share, at) => {
    if (share === null) pen = "M";
    else [line, pen] = [`${line}${pen}${at} ${y(share)}`, "L"];
  });
  const picture = svg("svg", { viewBox: `0 0 ${points.length - 1} 20`, preserveAspectRatio: "none", class: "run-curve", role: "img", "aria-label": `Load of the fleet, at most ${percent(peak)} of its limit` });
  picture.append(svg("path", { class: "limit", d: `M0 ${y(1)}H${points.length - 1}` }), svg("path", { class: "load", d: line }));
  return picture;
}

function svg(name, properties) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(properties)) attribute(node, key, value);
  return node;
}

function reportLink(run, day) {
  const link = report(run, "Open");
  link?.setAttribute("aria-label", `Open the report of ${day}`);
  return link;
}

function inGrafana(run, running, day) {
  const [began, ended] = run.window_unix_s ?? [running ? run.at_unix_s : null, null];
  return began === null ? null : grafana.link(grafana.around(began, ended), `the run of ${day}`);
}
