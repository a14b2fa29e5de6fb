// One list of alarms, updated in place so that the focus stays where it is.

import { attribute, element, text } from "../lib/dom.js";
import * as grafana from "../lib/grafana.js";
import { ago } from "../lib/format.js";
import { severity } from "./words.js";

/** Shows alarms in `list`; `heading` takes the focus when no alarm is left. */
export class AlarmList {
  #rows = new Map();

  constructor(list, heading, { acknowledge, mute }) {
    this.list = list;
    this.heading = heading;
    this.orders = { acknowledge, mute };
  }

  /** Show these alarms in this order; `enabled` says whether the buttons work. */
  show(alarms, nowUnixS, enabled) {
    const held = this.list.contains(document.activeElement) ? document.activeElement : null;
    const at = held ? [...this.list.children].indexOf(held.closest("li")) : -1;
    const keys = new Set(alarms.map(key));
    for (const [name, row] of this.#rows) {
      if (keys.has(name)) continue;
      row.item.remove();
      this.#rows.delete(name);
    }
    alarms.forEach((alarm, place) => {
      const row = this.#rows.get(key(alarm)) ?? this.#addRow(alarm);
      if (this.list.children[place] !== row.item) this.list.insertBefore(row.item, this.list.children[place] ?? null);
      row.show(alarm, nowUnixS, enabled);
    });
    if (held && document.activeElement !== held) this.#refocus(held, at);
  }

  #refocus(held, at) {
    if (held.isConnected && !held.hidden && !held.disabled) {
      held.focus();
      return;
    }
    const near = this.list.children[Math.min(at, this.list.children.length - 1)];
    (near?.querySelector("button:not([hidden], :disabled)") ?? near?.querySelector("a") ?? this.heading).focus();
  }

  #addRow(alarm) {
    const row = createRow(this.orders);
    this.#rows.set(key(alarm), row);
    return row;
  }
}

function key(alarm) {
  return `${alarm.rule} ${alarm.substation_id}`;
}

function createRow({ acknowledge, mute }) {
  let current = null;
  const level = element("span", { class: "severity" });
  const since = element("span", { class: "quietly" });
  const title = element("h3");
  const description = element("p", { class: "said" });
  const worst = element("p", { class: "quietly" });
  const state = element("p", { class: "quietly" });
  const todo = element("span");
  const where = element("a");
  const runbook = element("a");
  const inGrafana = element("a", {}, "Grafana");
  const ackButton = element("button", { type: "button", click: () => acknowledge(current) }, "Acknowledge");
  const muteButton = element("button", { type: "button", class: "quiet", click: () => mute(current) }, "Mute…");
  const item = element(
    "li", { class: "alarm" },
    element("p", {}, level, element("br"), since),
    element("div", { class: "what" }, title, description, worst, state),
    element("p", { class: "todo" }, todo, " ", where, " · ", runbook, element("span", { hidden: !document.body.dataset.grafana }, " · ", inGrafana)),
    element("div", { class: "alarm-buttons" }, ackButton, muteButton),
  );
  const show = (alarm, nowUnixS, enabled) => {
    current = alarm;
    const active = alarm.cleared_unix_s === null;
    const waiting = alarm.acknowledged_unix_s === null;
    const name = alarm.substation_id ? `${alarm.title}: ${alarm.substation_id}` : alarm.title;
    attribute(item, "data-severity", alarm.severity);
    attribute(item, "data-active", active && "");
    attribute(item, "data-waiting", waiting && "");
    text(level, active ? severity(alarm.severity) : `○ Cleared (${alarm.severity})`);
    text(since, active ? `for ${ago(Math.max(nowUnixS - alarm.raised_unix_s, 0))}`
      : `${ago(Math.max(nowUnixS - alarm.cleared_unix_s, 0))} ago`);
    text(title, name);
    text(description, active ? alarm.said : `Worst: ${alarm.worst.said}`);
    text(worst, active && alarm.worst.said !== alarm.said ? `Worst: ${alarm.worst.said}` : "");
    attribute(worst, "hidden", !worst.textContent && "");
    text(state, stateInWords(alarm, active, waiting));
    text(todo, active ? alarm.action : "Acknowledge it to remove it from this list.");
    const [path, words] = place(alarm);
    text(where, words);
    attribute(where, "href", path);
    text(runbook, `Runbook ${alarm.rule}`);
    attribute(runbook, "href", `/runbooks/${alarm.rule}`);
    const range = grafana.around(alarm.raised_unix_s, alarm.cleared_unix_s);
    attribute(inGrafana, "href", grafana.address(range, alarm.substation_id?.includes(":") ? "" : alarm.substation_id));
    attribute(inGrafana, "aria-label", `Grafana: ${name}`);
    attribute(ackButton, "aria-label", `Acknowledge: ${name}`);
    attribute(muteButton, "aria-label", `Mute: ${name}`);
    attribute(ackButton, "hidden", !waiting && "");
    attribute(muteButton, "hidden", alarm.muted === "mute" && "");
    for (const button of [ackButton, muteButton]) attribute(button, "disabled", !enabled && "");
  };
  return { item, show };
}

function place(alarm) {
  if (alarm.link === "/decisions") return [alarm.link, "See Decisions"];
  const name = alarm.substation_id;
  if (!name || name.includes(":")) return ["/", "See the overview"];
  return [`/?q=${encodeURIComponent(name)}`, `See ${name}`];
}

function stateInWords(alarm, active, waiting) {
  const parts = [active ? "Active" : "Cleared", waiting ? "not acknowledged" : `acknowledged by ${alarm.acknowledged_by}`];
  if (alarm.times > 1) parts.push(`${alarm.times} times`);
  if (alarm.muted) parts.push(`muted by ${alarm.muted === "mute" ? "an operator" : "the rush hour"}`);
  return parts.join(", ");
}
