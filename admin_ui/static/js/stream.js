// The console's stream: a snapshot, then numbered changes, put together into one state.

import { askIfLoggedIn, toLogin } from "/static/js/logged_in.js";

const RETRY_MS = [250, 4000]; // the first pause and the longest
const HICCUP_MS = 3000; // a loss shorter than this is no loss
const SILENT_MS = 12000; // two heartbeats and a bit
const LOGGED_OUT = 4401; // the server's close code

/** Keeps `state`; tells listeners of "state" (new figures) and "link" (live, or lost). */
export class Stream extends EventTarget {
  state = null;
  live = false;
  #seq = 0;
  #pause = RETRY_MS[0];
  #socket = null;
  #silence = 0;
  #hiccup = 0;

  open() {
    const address = new URL("/stream", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.#seq = 0;
    this.#socket = new WebSocket(address);
    this.#socket.onmessage = (message) => this.#take(JSON.parse(message.data));
    this.#socket.onclose = (closed) => this.#lost(closed);
    this.#listen();
  }

  #take(frame) {
    if (frame.seq !== this.#seq + 1) {
      this.#socket.close();
      return;
    }
    this.#seq = frame.seq;
    this.#pause = RETRY_MS[0];
    this.state = applied(this.state, frame);
    this.#listen();
    this.#say(true);
    this.dispatchEvent(new Event("state"));
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket.close(), SILENT_MS);
  }

  #lost(closed) {
    clearTimeout(this.#silence);
    if (closed.code === LOGGED_OUT) {
      toLogin();
      return;
    }
    if (!this.#seq) askIfLoggedIn(); // it was refused, or nobody is there: a browser does not say which
    if (!this.#hiccup) this.#hiccup = setTimeout(() => this.#say(false), this.state ? HICCUP_MS : 0);
    this.#pause = Math.min(this.#pause * 2, RETRY_MS[1]);
    setTimeout(() => this.open(), this.#pause * (0.5 + Math.random() / 2));
  }

  #say(live) {
    if (live) {
      clearTimeout(this.#hiccup);
      this.#hiccup = 0;
    }
    if (live === this.live && (live || this.state)) return;
    this.live = live;
    this.dispatchEvent(new Event("link"));
  }
}

/** Return the state after a frame; see docs/reference/console.md for what frames there are. */
export function applied(state, frame) {
  if (frame.kind === "snapshot") return frame.state;
  const rows = new Map(state.substations.map((row) => [row.substation_id, row]));
  if (frame.kind === "heartbeat") {
    for (const [name, age] of Object.entries(frame.report_age_s)) rows.get(name).report_age_s = age;
    return state;
  }
  for (const row of frame.substations) rows.set(row.substation_id, row);
  for (const name of frame.gone) rows.delete(name);
  const { seq, kind, gone, substations, ...rest } = frame;
  return { ...state, ...rest, substations: [...rows.values()].sort((a, b) => (a.substation_id < b.substation_id ? -1 : 1)) };
}
