// Formats figures and times for people.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const UNKNOWN = "–";

/** Return kW without decimals, with a separator for thousands. */
export function kw(value) {
  return value === null || value === undefined ? UNKNOWN : `${whole.format(value)} kW`;
}

/** Return a number of things, with a separator for thousands. */
export function count(value) {
  return value === null || value === undefined ? UNKNOWN : whole.format(value);
}

/** Return a share as a percentage with one decimal. */
export function percent(share) {
  return share === null || share === undefined ? UNKNOWN : `${tenth.format(share * 100)} %`;
}

/** Return a figure with one decimal. */
export function figure(value) {
  return value === null || value === undefined ? UNKNOWN : tenth.format(value);
}

/** Return a latency in milliseconds, from ten seconds on in seconds. */
export function latency(ms) {
  if (ms === null || ms === undefined) return UNKNOWN;
  return ms < 10000 ? `${tenth.format(ms)} ms` : `${tenth.format(ms / 1000)} s`;
}

/** Return how long ago something was, from seconds. */
export function ago(seconds) {
  if (seconds < 10) return `${tenth.format(seconds)} s`;
  if (seconds < 90) return `${whole.format(seconds)} s`;
  if (seconds < 5400) return `${whole.format(seconds / 60)} min`;
  return `${whole.format(seconds / 3600)} h`;
}

/** Return the zone of this browser at a moment: "UTC", "UTC+2", "UTC-3:30". */
export function zone(unixMs) {
  const minutes = -new Date(unixMs).getTimezoneOffset();
  if (!minutes) return "UTC";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes > 0 ? "+" : "-"}${hours}${rest ? `:${two(rest)}` : ""}`;
}

/** Return a time with date and zone, from unix milliseconds: the format of all pages. */
export function moment(unixMs) {
  const at = new Date(unixMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(unixMs)}`;
}

/** Return the time of day with its zone, for events of the last minutes. */
export function clock(unixMs) {
  return `${hours(unixMs)} ${zone(unixMs)}`;
}

/** Return the time of day alone, for axes whose zone is shown elsewhere; `seconds` says whether to include them. */
export function hours(unixMs, seconds = true) {
  const at = new Date(unixMs);
  return [at.getHours(), at.getMinutes(), ...(seconds ? [at.getSeconds()] : [])].map(two).join(":");
}

function two(value) {
  return String(value).padStart(2, "0");
}

/** Return how old a report is, in whole seconds: tenths would flicker. */
export function age(seconds) {
  return seconds < 90 ? `${Math.floor(seconds)} s` : ago(seconds);
}

/** Return how fast a load changes: a shape, a word and a figure in kW a second; null when it is unknown. */
export function trend(kwPerS, capacityKw) {
  if (kwPerS === null || kwPerS === undefined) return null;
  const steady = Math.abs(kwPerS) < Math.max(capacityKw * 0.0005, 0.1); // less than 3 % of the limit in a minute
  if (steady) return ["▬", "steady", ""];
  const speed = Math.abs(kwPerS);
  const rate = `${(speed < 100 ? tenth : whole).format(speed)} kW/s`;
  return kwPerS > 0 ? ["▲", "rising", rate] : ["▼", "falling", rate];
}
