// Asks for the password again where an action needs a recent confirmation.

import { element, text } from "../lib/dom.js";
import { toLogin } from "./login.js";

const CONFIRM_FIRST = "urn:smartgrid:problem:confirm-first";

/**
 * Send a request. If the console asks for the password first, show a dialog for it and send the request again.
 * `send` returns the promise of a fetch. Returns the response, which is the refusal when the user cancels the dialog.
 */
export async function confirmed(send) {
  const answer = await send();
  if (answer.status !== 403) return answer;
  const problem = await answer.clone().json().catch(() => ({}));
  if (problem.type !== CONFIRM_FIRST) return answer;
  return (await ask()) ? send() : answer;
}

/** Show the dialog. Resolves to whether the user entered the right password. */
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
        element("h2", { id: "confirm-title" }, "Confirm your password"),
        element("p", {}, "This action changes the grid. After you confirm, you can change the grid for five minutes."),
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

/** Send the password. Returns an error message, "" on success. */
async function confirm(password) {
  const answer = await fetch("/confirm", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ password }),
  }).catch(() => null);
  if (!answer) return "The console does not answer. Try again.";
  if (answer.ok) return "";
  if (answer.status === 401) toLogin();
  if (answer.status === 429) return `Too many attempts. Wait ${answer.headers.get("Retry-After")} s, then try again.`;
  const problem = await answer.json().catch(() => ({}));
  return `${problem.title ?? "The password cannot be checked now"}.`;
}
