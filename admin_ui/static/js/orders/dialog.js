// One dialog for every order: its preview, its reason, and its result.

import { ask } from "../lib/address.js";
import { confirmed } from "../people/confirm_password.js";
import { openDialogs, presence } from "../people/presence.js";
import { FasterOrders } from "./faster.js";
import { attribute, element, text } from "../lib/dom.js";
import { acts } from "../lib/connection.js";
import { clock, kw, moment, percent } from "../lib/format.js";

const PREVIEW_AFTER_MS = 250; // of typing
const MOST_ARRIVALS = 6;
const FIGURES = { headroom_kw: ["Headroom for new cars", kw], firm_kw: ["Firm capacity (N-1)", kw], open: ["Substations that take new cars", String] };
const TITLES = {
  drain: ({ target }) => `Drain ${target}`,
  restore: ({ target }) => `Restore ${target}`,
  capacity: ({ target }) => `Change the limit of ${target}`,
  policy: () => "Switch the policy",
  stop: ({ target }) => `Stop session ${target}`,
};
const DO = { drain: "Drain", restore: "Restore", capacity: "Set the limit", policy: "Switch", stop: "Stop the session" };
// shape and word of each state of an order
const STATES = { sending: "◷ Sending", confirmed: "✓ Confirmed", refused: "✕ Not done", unconfirmed: "◆ Not confirmed", overtaken: "◆ The grid has changed", closed: "◆ Somebody was faster" };

/** Return a button that opens the dialog for the order that `order()` returns; null for users who may not act. */
export function actButton(label, order, options = {}) {
  if (!mayAct()) return null;
  return acts(element("button", { type: "button", class: "quiet act", click: (event) => open(order(), { ...options, opener: event.currentTarget }) }, label));
}

/** Whether this user may act on the grid. The console checks this too. */
export function mayAct() {
  return document.body.dataset.role !== "viewer";
}

/** Open the dialog for an order {order, target, value}; `fleet` is the state of the stream, for the choices there are. */
export function open(order, { fleet = null, reason = "", opener = null, after = () => {} } = {}) {
  new OrderDialog(order, { fleet, reason, opener, after }).show();
}

class OrderDialog {
  #order;
  #options;
  #preview = null;
  #lookups = 0;
  #timer = 0;
  #state = "";
  #field;
  #hint = "";
  #parts = {};
  #faster = null;
  #showOthers = () => this.#parts.others.replaceChildren(...openDialogs(presence.others).map((each) => element("p", { class: "notice" }, `◆ ${each}`)));

  constructor(order, options) {
    [this.#order, this.#options] = [{ ...order }, options];
    const shown = element("div", { class: "preview", "aria-live": "polite", "aria-busy": "true" });
    const result = element("p", { class: "result", role: "status" });
    const others = element("div", { class: "others", "aria-live": "polite" });
    const reason = element("input", { id: "act-reason", name: "reason", required: true, minlength: 3, maxlength: 200, autocomplete: "off", value: options.reason });
    const go = acts(element("button", { type: "submit" }, DO[order.order]));
    const cancel = element("button", { type: "button", class: "quiet", click: () => this.#parts.dialog.close() }, "Cancel");
    const buttons = element("div", { class: "buttons" }, cancel, go);
    this.#field = this.#valueField();
    const form = element(
      "form", { method: "dialog", novalidate: true, submit: (event) => { event.preventDefault(); void this.#give(); } },
      element("h2", { id: "act-title" }, TITLES[order.order](order)), others, this.#field?.place ?? null, shown,
      element("label", { for: "act-reason" }, "Reason (for the audit log)"), reason, result, buttons,
    );
    const dialog = element("dialog", { class: "act-dialog", "aria-labelledby": "act-title" }, form);
    dialog.addEventListener("cancel", (event) => { if (this.#state === "sending") event.preventDefault(); });
    dialog.addEventListener("close", () => {
      clearTimeout(this.#timer);
      this.#leave();
      dialog.remove();
      if (options.opener?.isConnected) options.opener.focus();
    });
    this.#parts = { dialog, form, shown, result, reason, go, cancel, buttons, others };
  }

  show() {
    document.body.append(this.#parts.dialog);
    this.#parts.dialog.showModal();
    (this.#field?.first ?? this.#parts.reason).focus();
    void this.#look();
    presence.announce({ order: this.#order.order, target: this.#order.target ?? "" });
    presence.addEventListener("people", this.#showOthers);
    this.#showOthers();
    this.#faster = new FasterOrders((orders) => this.#overtaken(orders));
  }

  /** This dialog can give no order any more: the others need not know of it. */
  #leave() {
    this.#faster?.stop();
    presence.removeEventListener("people", this.#showOthers);
    presence.announce(null);
  }

  /** Somebody else was faster: on the same target this dialog closes its form; else it previews the order anew. */
  #overtaken(orders) {
    if (this.#state === "sending" || this.#state === "confirmed") return;
    const said = orders.map(described).join(" ");
    if (!orders.some((each) => sameThing(each, this.#order))) {
      this.#showState("overtaken", `${said} The preview is new.`);
      void this.#look();
      return;
    }
    this.#leave();
    this.#lookups += 1; // no preview that is on its way is shown
    this.#showState("closed", `${said} Nothing was sent.`);
    const { form, go, cancel, others, shown, reason } = this.#parts;
    go.remove();
    for (const part of [others, shown, this.#field?.place, form.querySelector("label[for=act-reason]"), reason]) part?.remove();
    text(cancel, "Close");
    cancel.focus();
    this.#options.after();
  }

  /** The choice of a limit or a policy; null where there is nothing to choose. */
  #valueField() {
    if (this.#order.order === "policy") return this.#policyField();
    return this.#order.order === "capacity" ? this.#limitField() : null;
  }

  #policyField() {
    const names = this.#options.fleet?.policies ?? [];
    const now = this.#order.value ?? names.find((name) => name !== this.#options.fleet?.policy);
    this.#order.value = now;
    const choice = element("select", { id: "act-value", change: () => this.#choose(choice.value) },
      ...names.map((name) => element("option", { value: name, selected: name === now }, name)));
    return { first: choice, place: element("div", { class: "field" }, element("label", { for: "act-value" }, "Policy for new cars"), choice) };
  }

  #limitField() {
    const row = this.#options.fleet?.substations.find((each) => each.substation_id === this.#order.target);
    const rated = row?.rated_kw ?? null;
    const start = this.#order.value === null ? rated : (this.#order.value ?? "");
    this.#hint = `Enter a limit in kW. The current limit is ${kw(row?.capacity_kw)}.`;
    const limit = element("input", { id: "act-value", type: "number", min: 0.001, max: rated, step: "any", value: start, required: true });
    const read = () => this.#choose(limit.value === "" ? undefined : Number(limit.value) === rated ? null : Number(limit.value));
    limit.addEventListener("input", read);
    const back = element("button", { type: "button", class: "quiet", click: () => { limit.value = rated; read(); limit.focus(); } }, `Rated: ${kw(rated)}`);
    return { first: limit, place: element("div", { class: "field" }, element("label", { for: "act-value" }, "Limit in kW"), limit, back) };
  }

  #choose(value) {
    this.#order.value = value;
    this.#preview = null; // and with it any reason why the order is not possible
    this.#showState("", "");
    attribute(this.#parts.shown, "aria-busy", "true");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), PREVIEW_AFTER_MS);
  }

  /** Fetch the preview of the order. */
  async #look() {
    const lookup = ++this.#lookups;
    const answer = this.#order.value === undefined && this.#field ? null : await post("/api/preview", this.#order);
    if (lookup !== this.#lookups) return; // a newer one is on its way
    attribute(this.#parts.shown, "aria-busy", null);
    if (!answer?.ok) {
      this.#preview = null;
      this.#parts.shown.replaceChildren(element("p", answer ? { class: "fault" } : {}, answer ? `✕ No preview: ${answer.message}` : this.#hint));
      return;
    }
    this.#preview = answer.body;
    this.#parts.shown.replaceChildren(...previewNodes(answer.body));
    this.#allow();
  }

  /** Disable the button while the order is being sent, and where the order is not possible. */
  #allow() {
    const { go, cancel, form } = this.#parts;
    go.disabled = this.#state === "sending" || Boolean(this.#preview?.refused);
    const lost = document.activeElement === go || !form.contains(document.activeElement);
    if (lost && go.disabled && this.#state !== "sending") cancel.focus();
  }

  async #give() {
    if (["sending", "confirmed", "closed"].includes(this.#state)) return;
    const { reason } = this.#parts;
    if (!reason.value.trim() || reason.value.trim().length < 3) {
      this.#showState("refused", "Enter a reason of at least three characters.");
      reason.focus();
      return;
    }
    if (!this.#preview || this.#preview.refused) {
      this.#showState("refused", this.#preview ? this.#preview.refused : this.#order.value === undefined && this.#hint ? this.#hint : "Wait for the preview, then try again.");
      return;
    }
    this.#showState("sending", "Waiting for the grid to confirm the order.");
    const body = { ...this.#order, reason: reason.value.trim(), basis: this.#preview.basis, seen: this.#preview.seen };
    const answer = await post("/api/orders", body, confirmed);
    if (answer.ok) this.#done(answer.body);
    else if (answer.code === "unconfirmed") this.#again("unconfirmed", answer.message);
    else if (answer.code === "changed") this.#again("refused", `${conflict(answer)} Check the new preview, then send the order again.`);
    else if (answer.code === "order-refused") this.#again("refused", conflict(answer));
    else this.#showState("refused", answer.message);
  }

  #again(state, message) {
    this.#showState(state, message);
    void this.#look();
  }

  #done({ told: message, undo }) {
    this.#leave();
    this.#parts.others.remove();
    this.#showState("confirmed", `${message} The grid shows the change.`);
    const { dialog, buttons, reason, go, cancel } = this.#parts;
    go.remove();
    reason.disabled = true;
    for (const part of this.#field?.place.querySelectorAll("input, select, button") ?? []) part.disabled = true;
    text(cancel, "Close");
    if (undo) {
      const again = { fleet: this.#options.fleet, opener: this.#options.opener, after: this.#options.after, reason: `undo: ${reason.value}`.slice(0, 200) };
      buttons.append(acts(element("button", { type: "button", class: "quiet", click: () => { dialog.close(); open(undo, again); } }, "Undo")));
    }
    cancel.focus();
    this.#options.after();
  }

  #showState(state, message) {
    this.#state = state;
    const { result, form } = this.#parts;
    attribute(form, "data-state", state || null);
    this.#allow();
    text(result, state ? `${STATES[state]}. ${message}` : "");
  }
}

/** Whether two orders change the same thing. */
function sameThing(one, other) {
  if (one.order === "policy" || other.order === "policy") return one.order === other.order;
  const drains = ["drain", "restore"];
  return one.target === other.target && (one.order === other.order || (drains.includes(one.order) && drains.includes(other.order)));
}

/** Return the elements of a preview. */
function previewNodes(preview) {
  if (preview.refused) {
    const earlier = (preview.earlier ?? []).map((each) => element("p", {}, described(each)));
    return [element("p", { class: "fault" }, `✕ ${preview.refused}`), ...earlier];
  }
  const figures = preview.figures.map(({ name, before, after }) => {
    const [title, shown] = FIGURES[name];
    return element("div", {}, element("dt", {}, title), element("dd", {}, before === after ? shown(after) : `${shown(before)} → ${shown(after)}`));
  });
  return [
    element("ul", { class: "effects" }, ...preview.effects.map((each) => element("li", {}, each))),
    ...preview.warnings.map((each) => element("p", { class: "notice" }, `▲ ${each}`)),
    figures.length ? element("dl", { class: "preview-figures" }, ...figures) : null,
    preview.arrivals.length ? element("p", { class: "preview-arrivals" }, `Expected shares of new cars: ${arriving(preview.arrivals)}.`) : null,
    element("p", { class: "as-of" }, `State of the grid at ${moment(Date.now())}. It is checked again when you send the order.`),
  ].filter(Boolean);
}

const DID = {
  drain: ({ target }) => `drained ${target}`,
  restore: ({ target }) => `restored ${target}`,
  capacity: ({ target, value }) => `set ${target} to ${value === null ? "its rated limit" : `a limit of ${kw(value)}`}`,
  policy: ({ value }) => `switched the policy to ${value}`,
  stop: ({ target }) => `stopped session ${target}`,
};

/** Return a sentence: who gave an order, when and why. */
function described({ who: name, at_unix_ms: atMs, reason, ...order }) {
  return `${name} ${DID[order.order](order)} at ${clock(atMs)} (${reason}).`;
}

/** Return the earlier orders that conflict, and the message of the console. */
function conflict({ body, message }) {
  return body.said ? [...(body.earlier ?? []).map(described), body.said].join(" ") : message;
}

function arriving(arrivals) {
  const named = arrivals.slice(0, MOST_ARRIVALS).map((each) => `${each.substation_id} ${percent(each.share)}`).join(", ");
  return arrivals.length > MOST_ARRIVALS ? `${named} and ${arrivals.length - MOST_ARRIVALS} more` : named;
}

/** Send JSON; returns {ok, body, message, code}. Without an answer the outcome is unknown: "unconfirmed". */
async function post(path, body, through = (send) => send()) {
  const send = () => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await through(send).catch(() => null);
  if (!answer) return { ok: false, body: {}, code: "unconfirmed", message: "The console did not answer. The order may have been carried out. Check the grid; sending the order again is safe." };
  const read = await answer.json().catch(() => ({}));
  const message = answer.status === 401 ? "Your login has expired. Log in again." : (read.detail ?? read.title ?? `The console returned status ${answer.status}.`);
  return { ok: answer.ok, body: read, code: String(read.type ?? "").split(":").pop(), message };
}
