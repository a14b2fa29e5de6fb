// The list of runs, newest first: what each came to, its report, and two or more side by side.

import { attribute, element, spaced, text } from "/static/js/lib/dom.js";
import * as grafana from "/static/js/lib/grafana.js";
import { changed, changedShort, comparable } from "/static/js/rush/changes.js";
import { links, mark, report } from "/static/js/rush/run.js";
import { UNKNOWN, figure, latency, moment, percent } from "/static/js/lib/format.js";

const FIRST = 20; // more are shown when they are asked for
const LEAST = 2;
const MOST = 10;
const known = (value, words) => (value === null || value === undefined ? UNKNOWN : words(value));

const COLUMNS = [
  ["Preset", (run) => run.preset],
  ["Seed", (run) => run.seed, "number"],
  ["Policy", (run) => run.policy ?? UNKNOWN],
  ["Changed", (run) => (changed(run).length ? `△ ${changedShort(run)}` : ""), "changed"],
  ["Max/mean", (run) => known(run.balance_ratio, (value) => value.toFixed(4)), "number"],
  ["Peak", (run) => percent(run.peak_utilization), "number"],
  ["p95", (run) => latency(run.p95_ms), "number"],
  ["Sent", (run) => known(run.sent, String), "number"],
  ["Refused in the end", (run) => known(run.refused, String), "number"],
  ["Duration", (run) => known(run.duration_s, (value) => `${figure(value)} s`), "number"],
];

/** Keeps the list; `load` fetches it anew, "change" tells that it has come. */
export class RushRuns extends EventTarget {
  runs = [];
  #chosen = new Set();
  #all = false;
  #going = null;

  constructor(place, view) {
    super();
    this.#chosen = new Set(view.get("compare").split(",").filter(Boolean));
    this.view = view;
    this.said = element("p", { role: "status" });
    this.compare = element("button", { type: "submit" }, "Compare");
    this.body = element("tbody");
    this.older = element("button", { type: "button", class: "quiet", click: () => { this.#all = true; this.#show(); } });
    this.empty = element("p", { class: "panel" });
    const head = [["Compare"], ["When"], ["Verdict"], ["Report"], ...COLUMNS, ["Data"]];
    this.form = element(
      "form", { action: "/runs/compare", method: "get" },
      element("div", { class: "runs-line" }, this.compare, this.said),
      element("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Table of runs" },
        element("table", { class: "rush-table runs" },
          element("thead", {}, element("tr", {}, ...head.map(([name, , kind]) => element("th", { scope: "col", class: kind }, name)))), this.body)),
      this.older,
    );
    this.form.addEventListener("submit", (event) => { if (!this.#enough()) event.preventDefault(); });
    place.append(this.empty, this.form);
    text(this.empty, "Reading the runs…");
    attribute(this.form, "hidden", true);
  }

  /** Fetch the list; `going` is the run that has not ended. */
  async load(going) {
    this.#going = going;
    const answer = await fetch("/api/runs").catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (!answer?.ok) {
      attribute(this.empty, "hidden", null);
      text(this.empty, `✕ The runs can't be read now. ${told?.detail ?? "The console does not answer."} Reload the page to try again.`);
      return;
    }
    this.runs = told.runs;
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  find(runId) {
    return this.runs.find((run) => run.run_id === runId);
  }

  #show() {
    attribute(this.empty, "hidden", this.runs.length > 0);
    attribute(this.form, "hidden", this.runs.length === 0);
    text(this.empty, "No runs yet. Press Start rush hour: after a minute its verdict and its report are here.");
    const shown = this.#all ? this.runs : this.runs.slice(0, FIRST);
    attribute(this.older, "hidden", shown.length === this.runs.length);
    text(this.older, `Show ${this.runs.length - shown.length} older runs`);
    this.#chosen = new Set([...this.#chosen].filter((name) => this.find(name)?.files.includes("result.json")));
    const focused = document.activeElement?.getAttribute("value");
    this.body.replaceChildren(...shown.map((run) => this.#row(run)));
    if (focused) this.body.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
    this.#say();
  }

  #row(run) {
    const day = moment(run.at_unix_s * 1000);
    const box = element("input", {
      type: "checkbox", name: "run", value: run.run_id, "aria-label": `Compare the run of ${day}`,
      change: () => {
        if (box.checked) this.#chosen.add(run.run_id);
        else this.#chosen.delete(run.run_id);
        this.view.set({ compare: [...this.#chosen].join(",") });
        this.#say();
      },
    });
    box.checked = this.#chosen.has(run.run_id);
    box.disabled = !run.files.includes("result.json");
    const going = run.run_id === this.#going && run.verdict === "no end";
    return element(
      "tr", {}, element("td", {}, element("label", {}, box)), element("th", { scope: "row", title: run.run_id }, day),
      element("td", { class: "verdict" }, going ? element("span", {}, "▶ goes on") : mark(run.verdict)),
      element("td", {}, opened(run, day)),
      ...COLUMNS.map(([, of, kind]) => element("td", { class: kind }, String(of(run)))),
      element("td", {}, ...spaced(...links(run), inGrafana(run, going, day))),
    );
  }

  #enough() {
    return this.#chosen.size >= LEAST && this.#chosen.size <= MOST;
  }

  #say() {
    const count = this.#chosen.size;
    attribute(this.compare, "aria-disabled", this.#enough() ? null : "true");
    if (count > MOST) text(this.said, `${count} runs are chosen: at most ${MOST} are compared.`);
    else text(this.said, count >= LEAST ? `${count} runs are chosen. ${this.#comparable()}` : "Tick two runs or more to compare them.");
  }

  #comparable() {
    return comparable([...this.#chosen].map((name) => this.find(name)), (run) => `The run of ${moment(run.at_unix_s * 1000)}`);
  }
}

function opened(run, day) {
  const link = report(run, "Open");
  link?.setAttribute("aria-label", `Open the report of ${day}`);
  return link;
}

function inGrafana(run, going, day) {
  const [began, ended] = run.window_unix_s ?? [going ? run.at_unix_s : null, null];
  return began === null ? null : grafana.link(grafana.around(began, ended), `the run of ${day}`);
}
