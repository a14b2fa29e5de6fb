// The page of people: who may log in and who is logged in, and what an administrator does with them.

import { element, text } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { request } from "../lib/request.js";
import { confirmed } from "./confirm_password.js";

const AGAIN_MS = 5000;
const ASK = { // what is asked before it is done: title, consequence, button
  reset: ["Reset the password of", "The password stops working now, and all logins end. You get a link with which the person sets a new one.", "Reset password"],
  "end-logins": ["End all logins of", "The person is logged out on every device, and can log in again.", "End logins"],
  disable: ["Disable", "The person is logged out and can't log in until you enable the account again.", "Disable"],
  remove: ["Remove", "The account is deleted, and all logins end. What the person did stays in the audit log.", "Remove"],
};

/** Start the page. */
export function start(stream) {
  const page = new PeoplePage();
  let newest = null;
  stream.addEventListener("state", () => { // every change has an entry in the audit log
    if (stream.state.audit.newest === newest) return;
    newest = stream.state.audit.newest;
    void page.load();
  });
  setInterval(() => { if (!document.hidden) void page.load(); }, AGAIN_MS);
  void page.load();
}

class PeoplePage {
  #rows = document.querySelector("#people-table tbody");
  #says = document.getElementById("people-says");
  #shown = "";
  #loads = 0;
  #roles = [];

  constructor() {
    const form = document.getElementById("add-person");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { name, role } = form.elements;
      if (await this.#change({ do: "add", name: name.value.trim(), role: role.value })) form.reset();
    });
  }

  /** Show the people as they are now. */
  async load() {
    const load = ++this.#loads;
    const { ok, body, message } = await request("GET", "/api/people");
    if (load !== this.#loads) return;
    if (!ok) {
      this.#say(message, true);
      return;
    }
    const shown = JSON.stringify(body);
    // A choice that is being made is not replaced under the pointer.
    if (shown === this.#shown || this.#rows.contains(document.activeElement) && document.activeElement.matches("select")) return;
    const focused = document.activeElement?.dataset?.focus;
    this.#shown = shown;
    this.#roles = body.roles;
    this.#rows.replaceChildren(...body.people.map((person) => this.#row(person, body.you)));
    if (focused) this.#rows.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  #row(person, you) {
    const actions = element("div", { class: "actions" });
    const button = (act, words) => element("button", {
      type: "button", class: "quiet", "data-focus": `${act} ${person.name}`, "aria-label": `${words} ${person.name}`, click: () => this.#ask(act, person.name),
    }, words);
    if (person.account) actions.append(button("reset", "Reset password"));
    if (person.logins) actions.append(button("end-logins", "End logins"));
    if (person.account) {
      actions.append(person.disabled
        ? element("button", { type: "button", class: "quiet", "data-focus": `disable ${person.name}`, "aria-label": `Enable ${person.name}`, click: () => this.#change({ do: "enable", name: person.name }) }, "Enable")
        : button("disable", "Disable"));
      actions.append(button("remove", "Remove"));
    }
    const mine = person.name === you ? element("span", { class: "soft" }, "(you)") : null;
    return element(
      "tr", {},
      element("th", { scope: "row", "data-label": "Name" }, person.name, mine ? " " : null, mine),
      element("td", { "data-label": "Role" }, person.account ? this.#roleChoice(person) : person.role),
      element("td", { "data-label": "State" }, stateOf(person)),
      element("td", { "data-label": "Logged in" }, loginsOf(person)),
      element("td", { "data-label": "Actions" }, actions),
    );
  }

  #roleChoice(person) {
    const choice = element("select", {
      "aria-label": `Role of ${person.name}`, "data-focus": `role ${person.name}`,
      change: async () => {
        if (!(await this.#change({ do: "role", name: person.name, role: choice.value }))) choice.value = person.role;
      },
    }, ...this.#roles.map((role) => element("option", { value: role, selected: role === person.role }, role)));
    return choice;
  }

  /** Ask before an act that logs somebody out. */
  #ask(act, name) {
    const [title, consequence, words] = ASK[act];
    const opener = document.activeElement;
    const dialog = element(
      "dialog", { class: "confirm", "aria-labelledby": "ask-title", "aria-describedby": "ask-about", close: () => { dialog.remove(); opener?.focus(); } },
      element("h2", { id: "ask-title" }, `${title} ${name}?`),
      element("p", { id: "ask-about" }, consequence),
      element(
        "div", { class: "buttons" },
        element("button", { type: "button", class: "quiet", click: () => dialog.close() }, "Cancel"),
        element("button", { type: "button", click: () => { dialog.close(); void this.#change({ do: act, name }); } }, words),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  /** Make a change, and say what came of it; returns whether it was made. */
  async #change(change) {
    const { ok, body, message } = await request("POST", "/api/people", change, confirmed);
    if (ok) this.#say(body.said, false, body.link ?? "");
    else this.#say(message, true);
    await this.load();
    return ok;
  }

  #say(message, fault, link = "") {
    const says = this.#says;
    says.hidden = false;
    says.classList.toggle("calm", !fault);
    text(says, `${fault ? "✕" : "✓"} ${message}`);
    if (!link) return;
    const field = element("input", { readonly: true, value: link, id: "new-link", "aria-label": "One-time link", focus: () => field.select() });
    const copied = element("button", { type: "button", class: "quiet", click: async () => {
      field.select();
      await navigator.clipboard?.writeText(link).then(() => text(copied, "Copied"), () => {});
    } }, "Copy");
    says.append(element("span", { class: "new-link" }, "Give this link to the person. It works once, within 24 hours.", element("span", { class: "copy" }, field, copied)));
    field.focus();
  }
}

function stateOf({ account, disabled, password_set: set, method }) {
  if (!account) return `no account: ${method}`;
  if (disabled) return "⊘ disabled";
  return set ? "can log in" : "? no password yet";
}

function loginsOf({ logins, seen_unix_s: seen }) {
  if (!logins) return "–";
  return `${logins === 1 ? "1 login" : `${logins} logins`}, last used ${moment(seen * 1000)}`;
}
