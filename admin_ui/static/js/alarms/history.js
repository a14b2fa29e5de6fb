// The latest alarm events, fetched again when there is a new one.

import { ask } from "../lib/address.js";
import { element, text } from "../lib/dom.js";
import { moment } from "../lib/format.js";

const STEP = 50;
const CELL = { role: "cell" }; // narrow pages show rows as blocks, which would not be a table any more
const WORDS = {
  raised: "Raised", cleared: "Cleared", acknowledged: "Acknowledged", muted: "Muted", unmuted: "Mute ended", lost: "Connection lost", back: "Connection restored",
};

/** Shows the latest events, and more on request; `aheadS` is how far the console's clock is ahead of this browser's. */
export class AlarmHistory {
  aheadS = 0;
  #count = STEP;
  #version = null;
  #busy = false;

  constructor() {
    this.more = document.getElementById("history-more");
    this.body = document.getElementById("history");
    this.empty = document.getElementById("history-empty");
    this.more.addEventListener("click", () => {
      this.#count += STEP;
      this.#fetch();
    });
  }

  /** Fetch again if there is a new event. */
  show(version) {
    if (version === this.#version || this.#busy) return;
    this.#version = version;
    this.#fetch();
  }

  async #fetch() {
    this.#busy = true;
    try {
      const answer = await ask(`/api/alarms/history?limit=${Math.min(this.#count, 1000)}`);
      if (!answer.ok) throw new Error(String(answer.status));
      this.#fill(await answer.json());
    } catch {
      this.#version = null; // the next frame tries again
    } finally {
      this.#busy = false;
    }
  }

  #fill({ events, of, now_unix_s: nowUnixS }) {
    this.aheadS = nowUnixS - Date.now() / 1000;
    text(this.empty, "No events yet. The latest 1,000 events are kept, even after a restart.");
    this.empty.hidden = events.length > 0;
    document.getElementById("history-frame").hidden = events.length === 0;
    this.more.hidden = events.length >= of;
    this.body.replaceChildren(...events.map((event) => {
      const at = new Date(event.unix_s * 1000);
      const muted = event.muted && event.event === "raised" ? ", muted" : "";
      return element("tr", { role: "row" },
        element("td", CELL, element("time", { datetime: at.toISOString() }, moment(at.getTime()))),
        element("td", CELL, `${WORDS[event.event]}${muted}`),
        element("td", CELL, element("a", { href: `/runbooks/${event.rule}` }, event.rule)),
        element("td", CELL, event.service ? `the ${event.service}${event.substation_id ? ` at ${event.substation_id}` : ""}` : event.substation_id || "the grid"),
        element("td", CELL, event.since_unix_s ? `${event.said}, since ${moment(event.since_unix_s * 1000)}` : event.said), element("td", CELL, event.by));
    }));
  }
}
