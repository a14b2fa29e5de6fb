// Sends requests to the console and returns a message when one fails.

import { ask } from "./address.js";

/**
 * Send JSON; returns {ok, body, message}: `message` says why the request failed, "" on success. `through` gets what sends the
 * request, and returns its answer.
 */
export async function request(method, path, body = undefined, through = (send) => send()) {
  const send = () => ask(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  try {
    const answer = await through(send);
    const read = await answer.json().catch(() => ({}));
    if (answer.ok) return { ok: true, body: read, message: "" };
    if (answer.status === 401) return { ok: false, body: read, message: "Your login has expired. Log in again." };
    return { ok: false, body: read, message: read.detail ?? read.title ?? `The console returned status ${answer.status}.` };
  } catch {
    return { ok: false, body: {}, message: "The console did not answer. Nothing was changed. Try again." };
  }
}
