// The whole story of a vehicle or a session: what was asked and decided, the sessions, their power over time.

import { actButton } from "/static/js/orders/dialog.js";
import { DecisionItem } from "/static/js/decisions/item.js";
import { attribute, element, text } from "/static/js/lib/dom.js";
import { StepChart } from "/static/js/decisions/step_chart.js";
import { figure, moment, percent } from "/static/js/lib/format.js";

const EVERY_MS = 2000;
const SHAPES = { charging: "●", paused: "◷", completed: "✓", stopped: "■", withdrawn: "✕" };

export class Story {
  #place;
  #heading = element("h2", { id: "story-title", tabindex: "-1" });
  #about = element("p", { class: "soft" });
  #faults = element("div", { role: "status" });
  #sessions = element("div", { class: "sessions" });
  #title = element("h3", {}, "Requests and attempts");
  #decisions = element("ol", { class: "decisions", "aria-label": "What was asked and decided, oldest first" });
  #panels = new Map();
  #items = new Map();
  #query = "";
  #timer = 0;

  constructor(place) {
    this.#place = place;
    place.append(
      this.#heading, this.#about, this.#faults, this.#sessions, this.#title, this.#decisions,
    );
  }

  /** Tell of a vehicle or a session, given as parameters of an address; null for none. */
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
    text(this.#about, "Looking it up.");
    attribute(this.#title, "hidden", true);
    void this.#ask();
  }

  /** Put the focus on the story's heading. */
  focus() {
    this.#heading.focus();
  }

  async #ask() {
    const query = this.#query;
    const answer = document.hidden ? undefined : await fetch(`/api/story?${query}`).catch(() => null);
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    if (query !== this.#query) return;
    if (told) this.#take(told);
    else if (answer !== undefined) this.#say(["The console does not answer. It is asked again every two seconds."]);
    this.#timer = setTimeout(() => this.#ask(), EVERY_MS);
  }

  #take({ vehicle_id: vehicle, sessions, decisions, faults }) {
    this.#say(faults);
    const found = sessions.length || decisions.length;
    const count = `${sessions.length} session${sessions.length === 1 ? "" : "s"}, ${decisions.length} decision${decisions.length === 1 ? "" : "s"} kept`;
    text(this.#about, found ? `${vehicle}: ${count}. Decisions are kept in the balancer's memory, sessions for three days.`
      : "Nothing is known of it. Is the id written exactly so? A balancer that was restarted has forgotten what it decided before.");
    attribute(this.#title, "hidden", decisions.length === 0);
    for (const session of sessions) {
      const panel = this.#panels.get(session.session_id) ?? this.#panel(session);
      panel.update(session);
    }
    for (const decision of decisions.toReversed()) {
      const item = this.#items.get(decision.number);
      if (item) item.update(decision);
      else {
        const made = new DecisionItem(decision, false);
        this.#items.set(decision.number, made);
        this.#decisions.append(made.node);
      }
    }
  }

  #panel(session) {
    const panel = new SessionPanel(session, () => { clearTimeout(this.#timer); void this.#ask(); });
    this.#panels.set(session.session_id, panel);
    this.#sessions.append(panel.node);
    return panel;
  }

  #say(faults) {
    const said = faults.map((fault) => element("p", { class: "notice" }, fault));
    if (this.#faults.textContent !== faults.join("")) this.#faults.replaceChildren(...said);
  }
}

class SessionPanel {
  #shown = {};
  #chart;
  #stop;

  constructor(session, again) {
    const id = session.session_id;
    const facts = ["State", "Substation", "Reserved now", "Delivered", "Started", "Ends", "What ended it"];
    for (const name of facts) this.#shown[name] = element("dd");
    this.#shown.Substation.append(element("a", { href: `/?substation=${encodeURIComponent(session.substation_id)}` }, session.substation_id));
    this.#stop = actButton("Stop the session…", () => ({ order: "stop", target: id }), { after: again });
    const chart = element("div");
    this.node = element(
      "section", { class: "panel session" },
      element("h3", {}, element("a", { href: `/decisions?session_id=${encodeURIComponent(id)}` }, `Session ${id}`)),
      element("dl", { class: "details" }, ...facts.map((name) => element("div", {}, element("dt", {}, name), this.#shown[name]))),
      element("h4", {}, "Reserved power over time"), chart, element("div", { class: "actions" }, ...(this.#stop ? [this.#stop] : [])),
    );
    this.#chart = new StepChart(chart);
  }

  /** Show it as it is now. */
  update(session) {
    const goesOn = session.ended_at === null;
    const now = session.reserved.findLast((step) => Date.parse(step.from) <= Date.now()) ?? session.reserved[0];
    text(this.#shown.State, `${SHAPES[session.state] ?? "○"} ${session.state}`);
    text(this.#shown["Reserved now"], goesOn ? `${now.power_kw} of ${session.power_kw} kW` : `0 of ${session.power_kw} kW`);
    text(this.#shown.Delivered, `${figure(session.delivered_kwh)} of ${figure(session.energy_kwh)} kWh, ${percent(session.delivered_kwh / session.energy_kwh)}`);
    text(this.#shown.Started, moment(Date.parse(session.started_at)));
    text(this.#shown.Ends, goesOn ? `${moment(Date.parse(session.expected_end))}, as planned` : moment(Date.parse(session.ended_at)));
    text(this.#shown["What ended it"], goesOn ? "It goes on" : ended(session));
    this.#chart.show(session.reserved);
    if (this.#stop && !goesOn && document.activeElement === this.#stop) this.node.querySelector("h3 a").focus();
    if (this.#stop) attribute(this.#stop, "hidden", goesOn ? null : "");
  }
}

function ended(session) {
  if (session.state === "completed") {
    return session.delivered_kwh >= session.energy_kwh - 0.001 ? "It has the energy that it asked for" : "Its stay was over";
  }
  if (session.state === "stopped") return "It was stopped before its end: by its driver, or by an operator, whom the audit log names";
  return "Its answer was lost, so it was taken back";
}
