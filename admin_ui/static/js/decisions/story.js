// The story of a vehicle or session: its requests and decisions, its sessions, and their power over time.

import { ask } from "../lib/address.js";
import { actButton } from "../orders/dialog.js";
import { DecisionItem } from "./item.js";
import { attribute, element, text } from "../lib/dom.js";
import { decisionTable } from "./table.js";
import { StepChart } from "./step_chart.js";
import { figure, moment, percent } from "../lib/format.js";

const EVERY_MS = 2000;
const SHAPES = { charging: "●", paused: "‖", completed: "✓", stopped: "■", withdrawn: "✕" };

export class Story {
  #place;
  #heading = element("h2", { id: "story-title", tabindex: "-1" });
  #about = element("p", { class: "soft" });
  #faults = element("div", { role: "status" });
  #sessions = element("div", { class: "sessions" });
  #title = element("h3", {}, "Requests and attempts");
  #table;
  #decisions;
  #panels = new Map();
  #items = new Map();
  #query = "";
  #timer = 0;

  constructor(place) {
    this.#place = place;
    [this.#table, this.#decisions] = decisionTable("Requests and attempts, oldest first", "Why");
    place.append(
      this.#heading, this.#about, this.#faults, this.#sessions, this.#title, element("div", { class: "table-frame" }, this.#table),
    );
  }

  /** Show a vehicle or session, given as query parameters; null hides the story. */
  show(wanted) {
    clearTimeout(this.#timer);
    attribute(this.#place, "hidden", wanted ? null : "");
    if (!wanted) {
      this.#query = "";
      return;
    }
    const [[kind, id]] = Object.entries(wanted);
    this.#query = new URLSearchParams(wanted).toString();
    this.#panels.clear();
    this.#items.clear();
    for (const part of [this.#sessions, this.#decisions, this.#faults]) part.replaceChildren();
    text(this.#heading, kind === "vehicle_id" ? `Vehicle ${id}` : `Session ${id}`);
    text(this.#about, "Loading…");
    attribute(this.#title, "hidden", true);
    attribute(this.#table, "hidden", true);
    void this.#ask();
  }

  /** Say of each decision which balancer made it, where there are several. */
  several(on) {
    attribute(this.#table, "data-several", on ? "" : null);
  }

  /** Put the focus on the story's heading. */
  focus() {
    this.#heading.focus();
  }

  async #ask() {
    const query = this.#query;
    const answer = document.hidden ? undefined : await ask(`/api/story?${query}`).catch(() => null);
    const story = answer?.ok ? await answer.json().catch(() => null) : null;
    if (query !== this.#query) return;
    if (story) this.#take(story);
    else if (answer !== undefined) this.#showFaults(["The console does not answer. Retrying every two seconds."]);
    this.#timer = setTimeout(() => this.#ask(), EVERY_MS);
  }

  #take({ vehicle_id: vehicle, sessions, decisions, faults }) {
    this.#showFaults(faults);
    const found = sessions.length || decisions.length;
    const count = `${sessions.length} session${sessions.length === 1 ? "" : "s"}, ${decisions.length} decision${decisions.length === 1 ? "" : "s"} kept`;
    text(this.#about, found ? `${vehicle}: ${count}. Decisions are kept until the balancer restarts, sessions for three days.`
      : "Nothing found. Check the id. A balancer that was restarted no longer has its earlier decisions.");
    attribute(this.#title, "hidden", decisions.length === 0);
    attribute(this.#table, "hidden", decisions.length === 0);
    for (const session of sessions) {
      const panel = this.#panels.get(session.session_id) ?? this.#panel(session);
      panel.update(session);
    }
    for (const decision of decisions.toReversed()) {
      const item = this.#items.get(decision.id);
      if (item) item.update(decision);
      else {
        const added = new DecisionItem(decision, true);
        this.#items.set(decision.id, added);
        this.#insert(added);
      }
    }
  }

  /** Put a decision where it belongs by its time: another balancer may tell an earlier one later. */
  #insert(added) {
    const later = [...this.#items.values()].filter((each) => each !== added && each.unixMs > added.unixMs).sort((one, other) => one.unixMs - other.unixMs)[0];
    if (later) later.nodes[0].before(...added.nodes);
    else this.#decisions.append(...added.nodes);
  }

  #panel(session) {
    const panel = new SessionPanel(session, () => { clearTimeout(this.#timer); void this.#ask(); });
    this.#panels.set(session.session_id, panel);
    this.#sessions.append(panel.node);
    return panel;
  }

  #showFaults(faults) {
    const notices = faults.map((fault) => element("p", { class: "notice" }, fault));
    if (this.#faults.textContent !== faults.join("")) this.#faults.replaceChildren(...notices);
  }
}

class SessionPanel {
  #facts = {};
  #chart;
  #stop;

  constructor(session, again) {
    const id = session.session_id;
    const facts = ["State", "Substation", "Reserved now", "Delivered", "Paused", "Started", "Ends", "End reason"];
    for (const name of facts) this.#facts[name] = element("dd");
    this.#facts.Substation.append(element("a", { href: `/?substation=${encodeURIComponent(session.substation_id)}` }, session.substation_id));
    this.#stop = actButton("Stop the session…", () => ({ order: "stop", target: id }), { after: again });
    const chart = element("div");
    this.node = element(
      "section", { class: "panel session" },
      element("h3", {}, element("a", { href: `/decisions?session_id=${encodeURIComponent(id)}` }, `Session ${id}`)),
      element("dl", { class: "details" }, ...facts.map((name) => element("div", {}, element("dt", {}, name), this.#facts[name]))),
      element("h4", {}, "Reserved power over time"), chart, element("div", { class: "actions" }, ...(this.#stop ? [this.#stop] : [])),
    );
    this.#chart = new StepChart(chart);
  }

  /** Show it as it is now. */
  update(session) {
    const open = session.ended_at === null;
    const now = session.reserved.findLast((step) => Date.parse(step.from) <= Date.now()) ?? session.reserved[0];
    text(this.#facts.State, `${SHAPES[session.state] ?? "○"} ${session.state}`);
    attribute(this.#facts.Paused.parentElement, "hidden", !session.paused_since && !session.paused_minutes);
    text(this.#facts.Paused, pauses(session));
    text(this.#facts["Reserved now"], open ? `${now.power_kw} of ${session.power_kw} kW` : `0 of ${session.power_kw} kW`);
    text(this.#facts.Delivered, `${figure(session.delivered_kwh)} of ${figure(session.energy_kwh)} kWh, ${percent(session.delivered_kwh / session.energy_kwh)}`);
    text(this.#facts.Started, moment(Date.parse(session.started_at)));
    text(this.#facts.Ends, open ? `${moment(Date.parse(session.expected_end))} (${session.paused_since ? "planned; later by the length of this pause" : "planned"})` : moment(Date.parse(session.ended_at)));
    text(this.#facts["End reason"], open ? "Not ended" : endReason(session));
    this.#chart.show(session.reserved);
    if (this.#stop && !open && document.activeElement === this.#stop) this.node.querySelector("h3 a").focus();
    if (this.#stop) attribute(this.#stop, "hidden", open ? null : "");
  }
}

/** Return since when a session is paused and why, and for how long it was paused before. */
function pauses({ paused_since: since, paused_because: why, paused_minutes: minutes }) {
  const before = minutes ? `${figure(minutes)} min of grid time` : "";
  if (!since) return before;
  const because = why === "base_load" ? "the base load needs its power" : why;
  return `Since ${moment(Date.parse(since))}, because ${because}${before ? `; ${before} before` : ""}`;
}

function endReason(session) {
  if (session.state === "completed") {
    return session.delivered_kwh >= session.energy_kwh - 0.001 ? "All requested energy was delivered" : "The stay ended";
  }
  if (session.state === "stopped") return "Stopped early by the driver or by an operator; the audit log names the operator";
  return "The response was lost, so the session was withdrawn";
}
