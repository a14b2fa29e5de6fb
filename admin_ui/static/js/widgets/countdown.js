// Seconds that are left by a plan: told now and then, and counted down in between, so that they never stand still.

/** Counts down from what it was told last. */
export class Countdown {
  #toldS = null;
  #atMs = 0;

  /** Return the seconds that are left; `toldS` is what the console says, the same until it says another. */
  leftS(toldS) {
    if (toldS !== this.#toldS) [this.#toldS, this.#atMs] = [toldS, performance.now()];
    return toldS === null ? null : Math.max(toldS - (performance.now() - this.#atMs) / 1000, 0);
  }
}
