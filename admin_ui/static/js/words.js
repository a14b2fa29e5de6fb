// Figures and times as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const UNKNOWN = "–";

/** Return kW without decimals, with thousands apart. */
export function kw(value) {
  return value === null || value === undefined ? UNKNOWN : `${whole.format(value)} kW`;
}

/** Return a share as per cent with one decimal. */
export function percent(share) {
  return share === null || share === undefined ? UNKNOWN : `${tenth.format(share * 100)} %`;
}

/** Return a figure with one decimal. */
export function figure(value) {
  return value === null || value === undefined ? UNKNOWN : tenth.format(value);
}

/** Return how long ago something was, from seconds. */
export function ago(seconds) {
  if (seconds < 10) return `${tenth.format(seconds)} s`;
  if (seconds < 90) return `${whole.format(seconds)} s`;
  if (seconds < 5400) return `${whole.format(seconds / 60)} min`;
  return `${whole.format(seconds / 3600)} h`;
}
