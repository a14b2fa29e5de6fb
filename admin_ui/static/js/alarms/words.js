// Alarms as words and shapes, never as colour alone.

const SHAPES = { critical: "■", warning: "▲" };
/** What the header says when no alarm is active. */
export const NONE = "No alarms";
const NAMES = { critical: "Critical", warning: "Warning" };

/** Return a severity as a shape and a word. */
export function severity(name) {
  return `${SHAPES[name]} ${NAMES[name]}`;
}

/** Return the parts of the summary for the header, the worst first, and the worst severity ("" for none). */
export function summary(counts) {
  const parts = ["critical", "warning"].filter((name) => counts[name])
    .map((name) => `${SHAPES[name]} ${counts[name]} ${name}${name === "warning" && counts[name] > 1 ? "s" : ""}`);
  const cleared = counts.cleared + counts.muted_cleared;
  if (cleared) parts.push(`○ ${cleared} cleared, not acknowledged`);
  if (!parts.length) parts.push(NONE);
  if (counts.muted_critical) parts.push(`${SHAPES.critical} ${counts.muted_critical} critical muted`);
  const muted = counts.muted_warning;
  if (muted) parts.push(`${muted} ${muted === 1 ? "warning" : "warnings"} muted`);
  const idle = counts.idle_mutes;
  if (idle) parts.push(`${idle} ${idle === 1 ? "mute in force" : "mutes in force"}`);
  return { parts, worst: counts.critical || counts.muted_critical ? "critical" : counts.warning ? "warning" : "" };
}
