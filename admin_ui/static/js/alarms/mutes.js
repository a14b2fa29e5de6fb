// The list of mutes, and the dialog that creates one.

import { attribute, element, text } from "../lib/dom.js";
import { request } from "../lib/request.js";
import { ago } from "../lib/format.js";

const CELL = { role: "cell" }; // narrow pages show rows as blocks, which would not be a table any more
const find = (id) => document.getElementById(id);

/** The list of mutes, kept up to date in place. */
export class Mutes {
  #rows = new Map();

  constructor(showFailure) {
    this.showFailure = showFailure;
  }

  show(mutes, nowUnixS, enabled) {
    const known = new Set(mutes.map((mute) => mute.id));
    for (const [id, row] of this.#rows) {
      if (known.has(id)) continue;
      if (row.item.contains(document.activeElement)) find("muted-title").focus();
      row.item.remove();
      this.#rows.delete(id);
    }
    for (const mute of mutes) {
      if (!this.#rows.has(mute.id)) this.#add(mute);
      const row = this.#rows.get(mute.id);
      text(row.left, ago(Math.max(mute.until_unix_s - nowUnixS, 0)));
      attribute(row.end, "disabled", !enabled && "");
    }
    find("mutes-frame").hidden = !mutes.length;
  }

  #add(mute) {
    const left = element("td", CELL);
    const where = mute.substation_id || "everywhere";
    const end = element("button", {
      type: "button", class: "quiet", "aria-label": `End the mute of ${mute.rule}, ${where}`,
      click: async () => this.showFailure((await request("DELETE", `/api/alarms/mutes/${mute.id}`)).message),
    }, "End");
    const item = element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, mute.rule), element("td", CELL, where), left,
      element("td", CELL, mute.reason), element("td", CELL, mute.by), element("td", CELL, end));
    this.#rows.set(mute.id, { item, left, end });
    find("mutes").append(item);
  }
}

/** The dialog; `open(alarm, substations)` fills it in for an alarm; without one it starts empty. */
export class MuteDialog {
  constructor() {
    this.dialog = find("mute-dialog");
    find("mute-rule").addEventListener("change", () => this.#warn());
    find("mute-cancel").addEventListener("click", () => this.dialog.close());
    find("mute-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  open(alarm, substations) {
    const where = find("mute-where");
    const names = new Set([...substations, ...(alarm?.substation_id ? [alarm.substation_id] : [])]);
    where.replaceChildren(element("option", { value: "" }, "Everywhere"),
      ...[...names].map((name) => element("option", { value: name }, name)));
    if (alarm) find("mute-rule").value = alarm.rule;
    where.value = alarm?.substation_id ?? "";
    find("mute-reason").value = "";
    find("mute-failed").hidden = true;
    this.#warn();
    this.dialog.showModal();
    find("mute-reason").focus();
  }

  #warn() {
    find("mute-critical").hidden = find("mute-rule").selectedOptions[0]?.dataset.severity !== "critical";
  }

  async #send() {
    const { ok, message } = await request("POST", "/api/alarms/mutes", {
      rule: find("mute-rule").value, substation_id: find("mute-where").value,
      minutes: Number(find("mute-minutes").value), reason: find("mute-reason").value,
    });
    if (ok) this.dialog.close();
    text(find("mute-failed"), message);
    find("mute-failed").hidden = ok;
  }
}
