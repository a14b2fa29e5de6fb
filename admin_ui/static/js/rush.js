// The rush hour: how it is started and stopped, and what its states are called.

import { confirmed } from "/static/js/confirm_person.js";
import { toLogin } from "/static/js/logged_in.js";

// verdict: shape, word, tone, what to do next
const VERDICTS = {
  held: ["✓", "held", "", ""],
  broken: ["▲", "broken", "critical", "The report shows when, and at which substation."],
  interrupted: ["■", "stopped", "", "What was measured until then is kept."],
  busy: ["◇", "not started", "warning", "Wait until that run has ended, then start again."],
  "not ready": ["◷", "not started", "warning", "Put that right, then start again. Nothing was sent."],
  "lease lost": ["▲", "lease lost", "warning", "Another run may have begun. Look at the load, then start again."],
  "not written": ["✕", "no result", "critical", "Make room on the disk of the runs folder, then start again."],
  failed: ["✕", "failed", "critical", "The words above are its last. Start again; if it fails again, run make rush-hour in a terminal."],
  "no end": ["✕", "no end", "warning", "It was killed, or goes on elsewhere."],
};
/** What stopping is called on every button. */
export const STOP_WORDS = "Stop rush hour, take its cars off";
const OVER = new Set(["ended", "failed"]);

/** Return shape, word, tone and advice of a verdict. */
export function verdictWords(verdict) {
  return VERDICTS[verdict] ?? VERDICTS.failed;
}

/** Whether the console's own run goes on. */
export function goesOn(run) {
  return Boolean(run) && !OVER.has(run.phase);
}

/** Return what goes on, in a few words for a line and for screen readers. */
export function headline({ run, elsewhere }) {
  if (goesOn(run)) {
    if (run.stopping) return ["■", run.taken_off ? "Stopping: taking its cars off the grid" : "Stopping: waiting for open requests"];
    const phases = {
      starting: ["◷", "Starting"],
      settling: ["◷", "Waiting for the grid"],
      running: ["▶", "Running"],
      finishing: ["▶", "All sent: waiting for the last answers"],
    };
    return phases[run.phase];
  }
  if (elsewhere) return ["▶", "Running, started elsewhere"];
  if (!run) return ["", "No rush hour runs"];
  const [shape, word] = verdictWords(run.verdict ?? "failed");
  return [shape, `Last run: ${word}`];
}

/** Start a run; returns what is wrong in words, "" when it goes on. */
export function start(asked) {
  return post("/api/rush", asked, "It was not started.");
}

/** Stop the console's run; returns what is wrong in words, "" when it has ended. */
export function stop() {
  return post("/api/rush/stop", {}, "It was not stopped.");
}

async function post(address, body, fault) {
  const answer = await confirmed(() => fetch(address, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  })).catch(() => null);
  if (!answer) return `${fault} The console does not answer.`;
  if (answer.ok) return "";
  if (answer.status === 401) toLogin();
  const told = await answer.json().catch(() => ({}));
  return `${fault} ${told.title ?? "The console failed"}${told.detail ? `: ${told.detail}` : ""}.`;
}
