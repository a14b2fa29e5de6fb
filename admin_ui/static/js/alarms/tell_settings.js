// The settings of how alarms reach this person: sound and notification for each severity, and what the webhook sends.

import { attribute, element, text } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { anyChosen, choose, chosen, SEVERITIES } from "./preferences.js";
import { play } from "./sound.js";
import { TELLS } from "./tell.js";
import { severity as words } from "./words.js";

const find = (id) => document.getElementById(id);
const BLOCKED = "✕ This browser does not allow notifications here. Allow them for this site in its settings, then choose again.";
const NOT_HERE = "✕ This browser shows no notifications of pages. Use sound, or the webhook.";

export class TellSettings {
  #webhooks = new Map();
  #status = find("tell-status");

  constructor() {
    find("tell-rows").append(...SEVERITIES.map((severity) => this.#row(severity)));
    document.addEventListener(TELLS, ({ detail: { alarm, way } }) => {
      text(this.#status, `${way === "sound" ? "♪ Played" : "✓ Notified"} at ${clock(Date.now())}: ${alarm.title}${alarm.substation_id ? `, ${alarm.substation_id}` : ""}`);
    });
    this.show(null);
  }

  /** Show what the webhook sends; null where it is off. */
  show(webhook) {
    for (const [severity, cell] of this.#webhooks) {
      const on = webhook?.severities.includes(severity);
      text(cell, on ? "✓ on" : webhook ? "off: ALARM_WEBHOOK_SEVERITIES" : "off: ALARM_WEBHOOK_URL is not set");
    }
    const here = [anyChosen("sound") && "sound", anyChosen("notification") && "notifications"].filter(Boolean).join(" and ");
    text(find("tell-summary"), `${here ? `This browser: ${here}` : "Nothing in this browser"} · webhook ${webhook ? "on" : "off"}`);
  }

  #row(severity) {
    const webhook = element("td");
    this.#webhooks.set(severity, webhook);
    const hear = element("button", { type: "button", class: "quiet small", click: () => this.#try(severity), "aria-label": `Play the sound of ${severity} alarms` }, "♪ Play");
    return element(
      "tr", {}, element("th", { scope: "row" }, words(severity)),
      element("td", {}, this.#box(severity, "sound"), " ", hear), element("td", {}, this.#box(severity, "notification")), webhook,
    );
  }

  #box(severity, way) {
    const box = element("input", { type: "checkbox", change: () => this.#choose(severity, way, box) });
    box.checked = chosen(severity, way);
    return element("label", { class: "tell-box" }, box, element("span", { class: "way" }, way === "sound" ? " Sound" : " Notification"), element("span", { class: "visually-hidden" }, ` for ${severity} alarms`));
  }

  async #choose(severity, way, box) {
    text(this.#status, "");
    if (way === "notification" && box.checked && !await this.#permitted()) box.checked = false;
    choose(severity, way, box.checked);
    if (way === "sound" && box.checked) await this.#try(severity);
  }

  /** Ask for the permission; only a click leads here. */
  async #permitted() {
    if (!("Notification" in window)) {
      text(this.#status, NOT_HERE);
      return false;
    }
    const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
    if (answer !== "granted") text(this.#status, BLOCKED);
    return answer === "granted";
  }

  async #try(severity) {
    text(this.#status, "");
    const played = await play(severity);
    text(this.#status, played ? `♪ Played the sound of ${severity} alarms.` : "✕ This browser does not allow sound on this page yet. Click on the page and try again.");
  }
}
