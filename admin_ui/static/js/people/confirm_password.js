// Dangerous actions want the password that was given a short while ago: asks for it where it was not.

import { element, text } from "/static/js/lib/dom.js";
import { toLogin } from "/static/js/people/login.js";

const CONFIRM_FIRST = "urn:smartgrid:problem:confirm-first";

/**
 * Send a request; where the console wants the password first, ask for it and send the request again.
 * `send` is a function that returns the promise of a fetch. Returns the answer; that of the refusal, when
 * the person gives no password.
 */
export async function confirmed(send) {
  const answer = await send();
  if (answer.status !== 403) return answer;
  const told = await answer.clone().json().catch(() => ({}));
  if (told.type !== CONFIRM_FIRST) return answer;
  return (await ask()) ? send() : answer;
}

/** Show the dialog; resolves to whether the password was given and right. */
function ask() {
  return new Promise((resolve) => {
    const password = element("input", {
      id: "confirm-password", type: "password", name: "password", autocomplete: "current-password", required: true,
      "aria-describedby": "confirm-fault",
    });
    const fault = element("p", { id: "confirm-fault", class: "fault", role: "alert" });
    const go = element("button", { type: "submit" }, "Confirm");
    const dialog = element(
      "dialog", { class: "confirm", "aria-labelledby": "confirm-title" },
      element(
        "form", { method: "dialog" },
        element("h2", { id: "confirm-title" }, "Your password, please"),
        element("p", {}, "This changes the grid. Your password opens such actions for five minutes."),
        element("label", { for: "confirm-password" }, "Password"), password, fault,
        element(
          "div", { class: "buttons" },
          element("button", { type: "button", class: "quiet", click: () => dialog.close() }, "Cancel"), go,
        ),
      ),
    );
    let right = false;
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      const wrong = await confirm(password.value);
      go.disabled = false;
      right = wrong === "";
      if (right) {
        dialog.close();
        return;
      }
      text(fault, wrong);
      password.value = "";
      password.focus();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(right);
    });
    document.body.append(dialog);
    dialog.showModal();
    password.focus();
  });
}

/** Give the password; returns what is wrong, "" when nothing is. */
async function confirm(password) {
  const answer = await fetch("/confirm", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ password }),
  }).catch(() => null);
  if (!answer) return "The console does not answer. Try again.";
  if (answer.ok) return "";
  if (answer.status === 401) toLogin();
  if (answer.status === 429) return `Too many tries: wait ${answer.headers.get("Retry-After")} s.`;
  const told = await answer.json().catch(() => ({}));
  return `${told.title ?? "It can't be checked now"}.`;
}
