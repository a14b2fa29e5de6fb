// Asks for the password again where an action needs a recent confirmation.

import { ask } from "../lib/address.js";
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
  return (await (document.body.dataset.method === "single sign-on" ? askProvider() : askPassword())) ? send() : answer;
}

/** Show the dialog. Resolves to whether the user entered the right password. */
function askPassword() {
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

/** Lead to the identity provider, which asks for the password. Resolves to whether the user came back and continues. */
function askProvider() {
  return new Promise((resolve) => {
    let right = false;
    const fault = element("p", { class: "fault", role: "alert" });
    const go = element("button", { type: "button", click: async () => {
      const me = await ask("/api/me", { cache: "no-store" }).then((answer) => answer.json()).catch(() => ({}));
      right = me.confirmed === true;
      if (right) dialog.close();
      else text(fault, "Your identity provider has not confirmed your password yet.");
    } }, "Continue");
    const open = element("a", { class: "button", href: "/sso?again=1", target: "_blank", rel: "noopener" }, "Log in again (new window)");
    const dialog = element(
      "dialog", { class: "confirm", "aria-labelledby": "confirm-title", close: () => { dialog.remove(); resolve(right); } },
      element("h2", { id: "confirm-title" }, "Confirm your password"),
      element("p", {}, "This action changes the grid. Log in again at your identity provider, then come back here and continue."),
      element("p", {}, open), fault,
      element("div", { class: "buttons" }, element("button", { type: "button", class: "quiet", click: () => dialog.close() }, "Cancel"), go),
    );
    document.body.append(dialog);
    dialog.showModal();
    open.focus();
  });
}

/** Send the password. Returns an error message, "" on success. */
async function confirm(password) {
  const answer = await ask("/confirm", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ password }),
  }).catch(() => null);
  if (!answer) return "The console does not answer. Try again.";
  if (answer.ok) return "";
  if (answer.status === 401) toLogin();
  if (answer.status === 429) return `Too many attempts. Wait ${answer.headers.get("Retry-After")} s, then try again.`;
  const problem = await answer.json().catch(() => ({}));
  return `${problem.title ?? "The password cannot be checked now"}.`;
}
