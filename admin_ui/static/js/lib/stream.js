// The console's stream: a snapshot, then numbered changes, put together into one state.

import { at, ask } from "./address.js";

const RETRY_MS = [250, 4000]; // the first pause and the longest
const LOST_MS = 4000; // a heartbeat of 1 s, and a hiccup of 3 s: a shorter silence does not count as a loss
const SILENT_MS = 6000; // after this the connection counts as dead
const LOGIN_ENDED = 4401; // the console's close code
const WHO = "/api/me"; // 401 when the login has ended

/**
 * Keeps `state`. Dispatches "state" (new figures), "link" (`live` changed) and "ended" (the login has expired).
 * `heardMs` is the unix time of the last frame, null before the first.
 */
export class Stream extends EventTarget {
  state = null;
  live = false;
  heardMs = null;
  #seq = 0;
  #pauseMs = RETRY_MS[0];
  #socket = null;
  #said = null; // what this page last said, which a new connection must hear again
  #silence = 0;
  #loss = 0;
  #retry = 0;
  #ageAtMs = new Map(); // by substation: when its report age was received

  constructor() {
    super();
    addEventListener("online", () => this.#reconnect(0));
  }

  open() {
    const address = new URL(at("/stream"), location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.#seq = 0;
    const socket = new WebSocket(address);
    this.#socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      if (this.#said) socket.send(this.#said);
    };
    socket.onmessage = (message) => this.#take(JSON.parse(message.data));
    socket.onclose = (closed) => this.#closed(closed.code, opened);
    this.#listen();
    if (!this.#loss) this.#loss = setTimeout(() => this.#setLive(false), LOST_MS);
  }

  /** Tell the console something about this page, now and after each reconnection; null takes it back. */
  say(message) {
    this.#said = message && JSON.stringify(message);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(this.#said ?? JSON.stringify({ dialog: null }));
  }

  /** Return how old a substation's report is now, in seconds. */
  ageS(row) {
    return row.report_age_s + (performance.now() - (this.#ageAtMs.get(row.substation_id) ?? performance.now())) / 1000;
  }

  #take(frame) {
    if (frame.seq !== this.#seq + 1) {
      this.#drop();
      return;
    }
    this.#seq = frame.seq;
    this.#pauseMs = RETRY_MS[0];
    this.state = applied(this.state, frame);
    this.#noteAges(frame);
    this.heardMs = Date.now();
    this.#listen();
    clearTimeout(this.#loss);
    this.#loss = setTimeout(() => this.#setLive(false), LOST_MS);
    this.#setLive(true);
    this.dispatchEvent(new Event("state"));
  }

  #noteAges(frame) {
    const now = performance.now();
    if (frame.kind === "snapshot") this.#ageAtMs.clear();
    for (const row of frame.substations ?? frame.state?.substations ?? []) this.#ageAtMs.set(row.substation_id, now);
    for (const name of Object.keys(frame.report_age_s ?? {})) this.#ageAtMs.set(name, now);
    for (const name of frame.gone ?? []) this.#ageAtMs.delete(name);
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#drop(), SILENT_MS);
  }

  #drop() {
    const socket = this.#socket;
    socket.onmessage = socket.onclose = null; // a dead peer never says goodbye
    socket.close();
    this.#closed(0, false);
  }

  async #closed(code, opened) {
    clearTimeout(this.#silence);
    if (code === LOGIN_ENDED || (!opened && await loginEnded())) {
      this.dispatchEvent(new Event("ended"));
      return;
    }
    this.#reconnect(this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.min(this.#pauseMs * 2, RETRY_MS[1]);
  }

  #reconnect(inMs) {
    if (this.#socket.readyState < WebSocket.CLOSING) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), inMs);
  }

  #setLive(live) {
    if (live === this.live && (live || this.state)) return;
    this.live = live;
    this.dispatchEvent(new Event("link"));
  }
}

/** Return the state after a frame; docs/reference/console.md lists the kinds of frames. */
export function applied(state, frame) {
  if (frame.kind === "snapshot") return frame.state;
  const { seq, kind, gone = [], substations = [], report_age_s: ages = {}, ...rest } = frame;
  const rows = new Map(state.substations.map((row) => [row.substation_id, row]));
  for (const row of substations) rows.set(row.substation_id, row);
  for (const name of gone) rows.delete(name);
  for (const [name, age] of Object.entries(ages)) rows.get(name).report_age_s = age;
  const known = [...rows.values()];
  if (rows.size !== state.substations.length || gone.length) known.sort((a, b) => (a.substation_id < b.substation_id ? -1 : 1));
  return { ...state, ...rest, substations: known };
}

async function loginEnded() {
  try {
    return (await ask(WHO, { cache: "no-store", signal: AbortSignal.timeout(SILENT_MS) })).status === 401;
  } catch {
    return false; // no answer is not a refusal
  }
}
