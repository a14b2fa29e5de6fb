// Starts and stops the rush hour, and names its states.

import { ask } from "../lib/address.js";
import { confirmed } from "../people/confirm_password.js";
import { attribute, text } from "../lib/dom.js";
import { acts } from "../lib/connection.js";
import { toLogin } from "../people/login.js";

// verdict: shape, word, tone, what to do next
const VERDICTS = {
  held: ["✓", "passed", "", ""],
  broken: ["▲", "failed", "critical", "The report shows when and at which substation."],
  changed: ["△", "conditions changed", "warning", "The grid was changed during the run. A missed threshold may be due to the change and is not judged. Run it again without changing the grid."],
  interrupted: ["■", "stopped", "", "Measurements up to the stop are kept."],
  busy: ["◇", "not started", "warning", "Wait until the other run has ended, then start again."],
  "not ready": ["◷", "not started", "warning", "Nothing was sent. Fix this, then start again."],
  "lease lost": ["▲", "lease lost", "warning", "Another run may have started. Check the load, then start again."],
  "not written": ["✕", "no result", "critical", "Free space on the disk that holds the runs folder, then start again."],
  failed: ["✕", "error", "critical", "Start again. If the error persists, run make rush-hour in a terminal."],
  "no end": ["✕", "unfinished", "warning", "The run was killed, or is still running elsewhere."],
};
const ENDED = new Set(["ended", "failed"]);

/** Return shape, word, tone and advice of a verdict. */
export function verdictWords(verdict) {
  return VERDICTS[verdict] ?? VERDICTS.failed;
}

/** Whether the console's own run is in progress. */
export function inProgress(run) {
  return Boolean(run) && !ENDED.has(run.phase);
}

/** Return the state of the rush hour as a shape and a few words. */
export function headline({ run, elsewhere }) {
  if (inProgress(run)) {
    if (run.stopping) return ["■", run.taken_off ? "Stopping: ending its sessions" : "Stopping: waiting for open requests"];
    const phases = {
      starting: ["◷", "Starting"],
      settling: ["◷", "Waiting for the grid"],
      running: ["▶", "Running"],
      finishing: ["▶", "All sent: waiting for the last responses"],
    };
    return phases[run.phase];
  }
  if (elsewhere) return ["▶", "Running, started elsewhere"];
  if (!run) return ["", "No rush hour is running"];
  const [shape, word] = verdictWords(run.verdict ?? "failed");
  return [shape, `Last run: ${word}`];
}

/** Start a run. Returns an error message, "" on success. */
export function start(options) {
  return post("/api/rush", options, "The rush hour was not started.");
}

/** Stop the run with this id. Returns an error message, "" once it has ended. */
export function stop(runId, endSessions) {
  return post("/api/rush/stop", { run_id: runId, end_sessions: endSessions }, "The rush hour was not stopped.");
}

/** Update a button that starts a run; during a run it stays visible and does nothing. */
export function showStart(button, run, pending) {
  const busy = inProgress(run);
  text(button, busy ? "Rush hour running" : pending ? "Starting…" : "Start rush hour");
  attribute(button, "aria-busy", pending && !busy ? "true" : null);
  if (busy) attribute(button, "aria-disabled", "true");
  else acts(button);
}

async function post(address, body, fault) {
  const answer = await confirmed(() => ask(address, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  })).catch(() => null);
  if (!answer) return `${fault} The console does not answer.`;
  if (answer.ok) return "";
  if (answer.status === 401) toLogin();
  const problem = await answer.json().catch(() => ({}));
  return `${fault} ${problem.title ?? "The console failed"}${problem.detail ? `: ${problem.detail}` : ""}.`;
}
