// Orders to the console, with an answer in words when one is not taken.

/** Send JSON; returns {ok, body, told}: `told` says why it was not done. */
export async function request(method, path, body = undefined) {
  try {
    const answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const read = await answer.json().catch(() => ({}));
    if (answer.ok) return { ok: true, body: read, told: "" };
    if (answer.status === 401) return { ok: false, body: read, told: "Your login has ended: log in again." };
    return { ok: false, body: read, told: read.detail ?? read.title ?? `The console answered ${answer.status}.` };
  } catch {
    return { ok: false, body: {}, told: "The console did not answer: nothing was done. Try again." };
  }
}
