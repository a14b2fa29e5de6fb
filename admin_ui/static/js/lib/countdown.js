// Seconds left by a plan. The console sends them now and then; between messages they are counted down.

/** Counts down from the last value that it got. */
export class Countdown {
  #toldS = null;
  #atMs = 0;

  /** Return the seconds that are left; `toldS` is the console's last value. */
  leftS(toldS) {
    if (toldS !== this.#toldS) [this.#toldS, this.#atMs] = [toldS, performance.now()];
    return toldS === null ? null : Math.max(toldS - (performance.now() - this.#atMs) / 1000, 0);
  }
}
