// The last 15 minutes of every substation, second by second. The console is asked for them at the start and after a
// lost connection; the stream continues them. A second without data is a gap (NaN).

import { ask } from "../lib/address.js";
import { carried } from "../lib/carried.js";

export const KEPT_S = 900;
export const FLEET = ""; // the name of the fleet's own series
export const BUCKET_S = 10; // of a sparkline
const BUCKETS = KEPT_S / BUCKET_S;

/** What a substation carries, how much of that is base load, its limit, and what it is rated for, in kW. */
class Series {
  load = new Float32Array(KEPT_S).fill(NaN);
  base = new Float32Array(KEPT_S).fill(NaN);
  limit = new Float32Array(KEPT_S).fill(NaN);
  rated = new Float32Array(KEPT_S).fill(NaN);
  requestedS = 0; // how many seconds of the past were requested one by one
  fineS = Infinity; // from this second on, each one was told or asked for: a mean adds nothing
  means = false; // whether the means for a sparkline were requested
  knownS = 0;
  #newestS = 0;

  /** Take a second of a row, or of the fleet's totals; null is a gap. */
  put(second, row) {
    for (let each = Math.max(this.#newestS + 1, second - KEPT_S + 1); each < second; each += 1) this.#set(each, null);
    this.#set(second, row);
    this.fineS = Math.min(this.fineS, second);
    this.#newestS = Math.max(this.#newestS, second);
    if (row) this.knownS = second;
  }

  /** Take what the console has of the seconds up to `until`, one value each `stepS`; a mean replaces no second of its own. */
  fill(until, columns, stepS) {
    const count = columns.load_kw.length;
    const newestS = Math.max(this.#newestS, until); // an answer that comes late begins before what is kept
    for (let n = 0; n < count * stepS; n += 1) {
      const [second, at] = [until - count * stepS + 1 + n, Math.floor(n / stepS)];
      if (second <= 0 || second <= newestS - KEPT_S || (stepS > 1 && second >= this.fineS)) continue;
      const known = columns.load_kw[at] !== null;
      // A base load that was 0 all the time is left out, and a rated limit that was all usable.
      this.#set(second, known ? { load_kw: columns.load_kw[at], base_load_kw: columns.base_load_kw?.[at], capacity_kw: columns.capacity_kw[at], rated_kw: columns.rated_kw?.[at] } : null);
    }
    if (stepS === 1) this.fineS = Math.min(this.fineS, until - count + 1);
    this.#newestS = Math.max(this.#newestS, until);
    this.knownS = Math.max(this.knownS, until);
  }

  /** Return [loads, limits, base loads, rated limits] of the `count` seconds up to `second`, null where there is none. Loads count base loads. */
  newest(second, count) {
    const loads = new Array(count);
    const limits = new Array(count);
    const bases = new Array(count);
    const rated = new Array(count);
    for (let n = 0; n < count; n += 1) {
      const at = second - count + 1 + n;
      const place = at % KEPT_S;
      const known = at > 0 && at <= this.#newestS && !Number.isNaN(this.load[place]);
      loads[n] = known ? this.load[place] : null;
      limits[n] = known ? this.limit[place] : null;
      bases[n] = known ? this.base[place] : null;
      rated[n] = known ? this.rated[place] : null;
    }
    return [loads, limits, bases, rated];
  }

  /** Return [loads, limits] of the last quarter of an hour up to `second` as means of BUCKET_S, which end at multiples of it. */
  buckets(second) {
    const end = Math.floor(second / BUCKET_S) * BUCKET_S;
    const [loads, limits] = [new Array(BUCKETS), new Array(BUCKETS)];
    for (let n = 0; n < BUCKETS; n += 1) {
      let [load, limit, count] = [0, 0, 0];
      for (let at = end - (BUCKETS - n) * BUCKET_S + 1; at <= end - (BUCKETS - n - 1) * BUCKET_S; at += 1) {
        if (at <= 0 || at > this.#newestS || Number.isNaN(this.load[at % KEPT_S])) continue;
        load += this.load[at % KEPT_S];
        limit += this.limit[at % KEPT_S];
        count += 1;
      }
      loads[n] = count ? load / count : null;
      limits[n] = count ? limit / count : null;
    }
    return [loads, limits];
  }

  #set(second, row) {
    const at = second % KEPT_S;
    this.load[at] = row ? carried(row) : NaN;
    this.base[at] = row ? row.base_load_kw ?? 0 : NaN;
    this.limit[at] = row ? row.capacity_kw : NaN;
    this.rated[at] = row ? Math.max(row.rated_kw ?? 0, row.capacity_kw) : NaN;
  }
}

/** Keeps all series. Dispatches "second" once a second, and that and "past" when more of the past has arrived. */
export class History extends EventTarget {
  second = 0;
  #stream;
  #series = new Map();
  #aheadS = 0; // how far the console's clock is ahead of this browser's

  constructor(stream) {
    super();
    this.#stream = stream;
    let was = false;
    stream.addEventListener("link", () => {
      if (stream.live && !was) this.#anew();
      was = stream.live;
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#anew(); });
    setInterval(() => this.#put(), 1000);
  }

  /** Return the newest `count` seconds of a substation: [loads, limits, base loads, rated limits]. */
  newest(name, count) {
    return this.#of(name).newest(this.second, count);
  }

  /** Return the last quarter of an hour of a substation in means of BUCKET_S: [loads, limits]. */
  buckets(name) {
    return this.#of(name).buckets(this.second);
  }

  /** Request the means of the last quarter of an hour of some substations, unless they were requested before. */
  async requestMeans(names) {
    const lacking = names.filter((name) => !this.#of(name).means);
    if (!lacking.length) return;
    for (const name of lacking) this.#of(name).means = true;
    const answered = await this.#ask(KEPT_S, lacking, BUCKET_S);
    if (!answered) for (const name of lacking) this.#of(name).means = false;
  }

  /** Request the last `seconds` of some substations, unless they were requested before. */
  async request(names, seconds) {
    const lacking = names.filter((name) => this.#of(name).requestedS < seconds);
    if (!lacking.length) return;
    for (const name of lacking) this.#of(name).requestedS = seconds;
    const substations = lacking.filter((name) => name !== FLEET);
    const answered = await this.#ask(seconds, substations.length ? substations : ["-"], 1); // the fleet's come with every answer
    if (!answered) for (const name of lacking) this.#of(name).requestedS = 0;
  }

  #anew() {
    for (const series of this.#series.values()) [series.requestedS, series.means, series.fineS] = [0, false, Infinity]; // the console has the data of the gap
    this.dispatchEvent(new Event("second")); // who shows it asks for it
  }

  async #ask(seconds, names, stepS) {
    const query = new URLSearchParams({ seconds, step: stepS });
    for (const name of names) query.append("substation_id", name);
    try {
      const answer = await ask(`/api/history?${query}`, { cache: "no-store" });
      if (!answer.ok) return false;
      const history = await answer.json();
      this.#aheadS = history.until_unix_s + 0.5 - Date.now() / 1000;
      if (history.until_unix_s > this.second) this.second = history.until_unix_s;
      this.#of(FLEET).fill(history.until_unix_s, history.fleet, stepS);
      for (const [name, columns] of Object.entries(history.substations)) this.#of(name).fill(history.until_unix_s, columns, stepS);
      this.dispatchEvent(new Event("second"));
      this.dispatchEvent(new Event("past"));
      return true;
    } catch {
      return false; // the connection state already shows that the console does not answer
    }
  }

  #put() {
    const { state, live } = this.#stream;
    if (!state) return;
    const second = Math.floor(Date.now() / 1000 + this.#aheadS);
    if (second <= this.second) return;
    const known = live && state.link.current;
    const since = known && second - this.second === 2 ? second - 1 : second; // a timer that was late leaves no gap
    for (let each = since; each <= second; each += 1) {
      for (const row of state.substations) this.#of(row.substation_id).put(each, known && !row.stale ? row : null);
      this.#of(FLEET).put(each, known && state.substations.length ? state.totals : null);
    }
    this.second = second;
    for (const [name, series] of this.#series) if (name !== FLEET && second - series.knownS > KEPT_S) this.#series.delete(name);
    this.dispatchEvent(new Event("second"));
  }

  #of(name) {
    let series = this.#series.get(name);
    if (!series) {
      series = new Series();
      this.#series.set(name, series);
    }
    return series;
  }
}
