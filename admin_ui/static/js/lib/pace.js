// How often the list of sessions is asked for again: many sessions cost their substations some work.

const EVERY_MS = 5000;
const MOST_MS = 60000;
const REST = 20; // times as long as the answer took

/** Return the pause before the next question; `waited` says that the time went by waiting for a substation that is silent. */
export function pauseMs(beganMs, waited) {
  const took = waited ? 0 : performance.now() - beganMs;
  return Math.min(Math.max(EVERY_MS, REST * took), MOST_MS);
}
