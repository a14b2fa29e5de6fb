// The alarms that have ended, folded by their rule: how often, the worst value, how long. Its occurrences are one click away.

import { ask } from "../lib/address.js";
import { attribute, element, spaced, text } from "../lib/dom.js";
import { ago, count, moment } from "../lib/format.js";
import { severity } from "./words.js";

const find = (id) => document.getElementById(id);

/** Keeps the list; `acknowledge(ids)` acknowledges the ended alarms of a rule that wait for it. */
export class EndedAlarms {
  #rows = new Map();
  #version = null;
  #busy = false;
  #rules = [];

  constructor(acknowledge) {
    this.list = find("ended");
    this.acknowledge = acknowledge;
  }

  /** Show them; the list is fetched again when there is a new event. */
  show(alarms, nowUnixS, enabled) {
    if (alarms.version !== this.#version && !this.#busy) void this.#fetch(alarms.version);
    const waiting = new Map();
    for (const alarm of alarms.calling) {
      if (alarm.cleared_unix_s !== null) waiting.set(alarm.rule, [...(waiting.get(alarm.rule) ?? []), alarm]);
    }
    find("ended-empty").hidden = this.#rules.length > 0;
    text(find("ended-empty"), "No alarm has ended yet. The latest 1,000 events are kept, even after a restart.");
    this.#rules.forEach((folded, place) => {
      const row = this.#rows.get(folded.rule);
      if (this.list.children[place] !== row.node) this.list.insertBefore(row.node, this.list.children[place] ?? null);
      row.show(folded, waiting.get(folded.rule) ?? [], nowUnixS, enabled);
    });
  }

  async #fetch(version) {
    this.#busy = true;
    try {
      const answer = await ask("/api/alarms/ended");
      if (!answer.ok) throw new Error(String(answer.status));
      this.#rules = (await answer.json()).rules;
      for (const { rule } of this.#rules) if (!this.#rows.has(rule)) this.#rows.set(rule, endedRow(this.acknowledge));
      this.#version = version;
    } catch {
      this.#version = null; // the next frame tries again
    } finally {
      this.#busy = false;
    }
  }
}

function endedRow(acknowledge) {
  let ids = [];
  let shown = null;
  const title = element("h3");
  const [often, worst, long, last] = ["often", "worst", "long", "last"].map((name) => element("span", { class: name }));
  const list = element("ul", { class: "occurrences", role: "list" });
  const waits = element("span", { class: "waits" });
  const button = element("button", { type: "button", class: "quiet", click: () => acknowledge(ids) }, "Acknowledge");
  const details = element("details", {}, element("summary", {}, title, " ", often, " ", worst, " ", long, " ", last), list);
  const rule = element("span", { class: "visually-hidden" });
  const runbook = element("a", {}, "Runbook", rule);
  const node = element("li", { class: "ended" }, details, element("p", { class: "ended-waits" }, waits, " ", button, " ", runbook));
  const show = (folded, waiting, nowUnixS, enabled) => {
    text(title, `${severity(folded.severity).slice(0, 1)} ${folded.title}`);
    text(often, folded.count === 1 ? "once" : `${count(folded.count)} times`);
    text(worst, `worst: ${folded.worst}${folded.worst_substation_id ? ` (${folded.worst_substation_id})` : ""}`);
    text(long, folded.longest_s === null ? "" : folded.count === 1 ? `lasted ${ago(folded.longest_s)}` : `longest ${ago(folded.longest_s)}, ${ago(folded.total_s)} in all`);
    text(last, `ended ${ago(Math.max(nowUnixS - folded.last_unix_s, 0))} ago`);
    text(rule, ` ${folded.rule}`);
    attribute(runbook, "href", `/runbooks/${folded.rule}`);
    ids = waiting.map((alarm) => alarm.id);
    text(waits, ids.length ? `○ Cleared, not acknowledged${ids.length > 1 ? `: ${ids.length}` : ""}` : "");
    if (!ids.length && document.activeElement === button) details.querySelector("summary").focus();
    attribute(button, "hidden", ids.length ? null : "");
    attribute(button, "aria-label", `Acknowledge: ${folded.title}`);
    attribute(button, "disabled", !enabled && "");
    if (shown === folded) return;
    shown = folded;
    const more = folded.count - folded.occurrences.length;
    attribute(list, "aria-label", `${folded.title}, the newest first`);
    list.replaceChildren(
      ...folded.occurrences.map((each) => element("li", {}, ...spaced(
        element("span", {}, `ended ${moment(each.cleared_unix_s * 1000)}`), element("span", {}, each.substation_id || "the grid"),
        element("span", {}, each.lasted_s === null ? "" : `lasted ${ago(each.lasted_s)}`), element("span", {}, `${each.worst}${each.muted ? " (muted)" : ""}`),
      ))),
      ...(more > 0 ? [element("li", {}, `${count(more)} earlier ones are in the history`)] : []),
    );
  };
  return { node, show };
}
