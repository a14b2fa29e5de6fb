// Counts down the seconds that are left between two messages of the console.

/** Counts down from the latest reported value. */
export class Countdown {
  #reportedS = null;
  #atMs = 0;

  /** Return the seconds that are left; `reportedS` is the latest value from the console. */
  leftS(reportedS) {
    if (reportedS !== this.#reportedS) [this.#reportedS, this.#atMs] = [reportedS, performance.now()];
    return reportedS === null ? null : Math.max(reportedS - (performance.now() - this.#atMs) / 1000, 0);
  }
}
