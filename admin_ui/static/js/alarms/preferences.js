// How alarms reach the person at this browser: what was chosen, remembered here and nowhere else.

const CHOSEN = "alarm-notices"; // in this browser's storage
/** The severities, the worst first. */
export const SEVERITIES = ["critical", "warning"];
/** The ways of this browser. */
export const WAYS = ["sound", "notification"];

/** Return whether a way is on for a severity; each is off until it was chosen. */
export function chosen(severity, way) {
  return read()[severity]?.[way] === true;
}

/** Turn a way on or off for a severity. */
export function choose(severity, way, on) {
  const all = read();
  all[severity] = { ...all[severity], [way]: on };
  localStorage.setItem(CHOSEN, JSON.stringify(all));
}

/** Return whether a way is on for any severity. */
export function anyChosen(way) {
  return SEVERITIES.some((severity) => chosen(severity, way));
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(CHOSEN)) ?? {};
  } catch {
    return {}; // what somebody else wrote there
  }
}
