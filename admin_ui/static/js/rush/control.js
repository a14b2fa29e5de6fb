// The rush hour: how it is started and stopped, and what its states are called.

import { confirmed } from "/static/js/people/confirm_password.js";
import { attribute, text } from "/static/js/lib/dom.js";
import { acts } from "/static/js/lib/connection.js";
import { toLogin } from "/static/js/people/login.js";

// verdict: shape, word, tone, what to do next
const VERDICTS = {
  held: ["✓", "held", "", ""],
  broken: ["▲", "broken", "critical", "The report shows when, and at which substation."],
  changed: ["△", "conditions changed", "warning", "Somebody changed the grid during the run. Thresholds that did not hold may be due to that, and are not judged. Run it again while nobody changes the grid."],
  interrupted: ["■", "stopped", "", "What was measured until then is kept."],
  busy: ["◇", "not started", "warning", "Wait until that run has ended, then start again."],
  "not ready": ["◷", "not started", "warning", "Put that right, then start again. Nothing was sent."],
  "lease lost": ["▲", "lease lost", "warning", "Another run may have begun. Look at the load, then start again."],
  "not written": ["✕", "no result", "critical", "Make room on the disk of the runs folder, then start again."],
  failed: ["✕", "failed", "critical", "The words above are its last. Start again; if it fails again, run make rush-hour in a terminal."],
  "no end": ["✕", "no end", "warning", "It was killed, or goes on elsewhere."],
};
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
    if (run.stopping) return ["■", run.taken_off ? "Stopping: ending its sessions" : "Stopping: waiting for open requests"];
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

/** Stop the console's run of this id; returns what is wrong in words, "" when it has ended. */
export function stop(runId, endSessions) {
  return post("/api/rush/stop", { run_id: runId, end_sessions: endSessions }, "It was not stopped.");
}

/** Update a button that starts a run; during a run it stays in its place, and does nothing. */
export function showStart(button, run, asking) {
  const busy = goesOn(run);
  text(button, busy ? "Rush hour running" : asking ? "Starting…" : "Start rush hour");
  attribute(button, "aria-busy", asking && !busy ? "true" : null);
  if (busy) attribute(button, "aria-disabled", "true");
  else acts(button);
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
