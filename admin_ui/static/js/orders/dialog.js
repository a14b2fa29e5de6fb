// One dialog for every order: what it would do, why it is given, and what the grid says came of it.

import { confirmed } from "/static/js/people/confirm_password.js";
import { attribute, element, text } from "/static/js/lib/dom.js";
import { acts } from "/static/js/lib/connection.js";
import { clock, kw, moment, percent } from "/static/js/lib/format.js";

const PREVIEW_AFTER_MS = 250; // of typing
const MOST_ARRIVALS = 6;
const FIGURES = { headroom_kw: ["Room for new cars", kw], firm_kw: ["Firm capacity, N-1", kw], open: ["Substations that take new cars", String] };
const TITLES = {
  drain: ({ target }) => `Drain ${target}`,
  restore: ({ target }) => `Restore ${target}`,
  capacity: ({ target }) => `Change the limit of ${target}`,
  policy: () => "Switch the policy",
  stop: ({ target }) => `Stop session ${target}`,
};
const DO = { drain: "Drain", restore: "Restore", capacity: "Set the limit", policy: "Switch", stop: "Stop the session" };
// the word and shape of each state of an order
const SAID = { sending: "◷ Sending", confirmed: "✓ Confirmed", refused: "✕ Not done", unconfirmed: "◆ Not confirmed" };

/** Return a button that opens the dialog for what `order()` returns then; null for those who may not act. */
export function actButton(label, order, options = {}) {
  if (!mayAct()) return null;
  return acts(element("button", { type: "button", class: "quiet act", click: (event) => open(order(), { ...options, opener: event.currentTarget }) }, label));
}

/** Whether this person may act on the grid. The console refuses others too. */
export function mayAct() {
  return document.body.dataset.role === "operator";
}

/** Open the dialog for an order {order, target, value}; `fleet` is the state of the stream, for the choices there are. */
export function open(order, { fleet = null, reason = "", opener = null, after = () => {} } = {}) {
  const made = new ActDialog(order, { fleet, reason, opener, after });
  made.show();
}

class ActDialog {
  #order;
  #options;
  #preview = null;
  #asked = 0;
  #timer = 0;
  #state = "";
  #field;
  #hint = "";
  #parts = {};

  constructor(order, options) {
    [this.#order, this.#options] = [{ ...order }, options];
    const shown = element("div", { class: "preview", "aria-live": "polite", "aria-busy": "true" });
    const result = element("p", { class: "result", role: "status" });
    const reason = element("input", { id: "act-reason", name: "reason", required: true, minlength: 3, maxlength: 200, autocomplete: "off", value: options.reason });
    const go = acts(element("button", { type: "submit" }, DO[order.order]));
    const cancel = element("button", { type: "button", class: "quiet", click: () => this.#parts.dialog.close() }, "Cancel");
    const buttons = element("div", { class: "buttons" }, cancel, go);
    this.#field = this.#valueField();
    const form = element(
      "form", { method: "dialog", novalidate: true, submit: (event) => { event.preventDefault(); void this.#give(); } },
      element("h2", { id: "act-title" }, TITLES[order.order](order)), this.#field?.place ?? null, shown,
      element("label", { for: "act-reason" }, "Reason, for the audit log"), reason, result, buttons,
    );
    const dialog = element("dialog", { class: "act-dialog", "aria-labelledby": "act-title" }, form);
    dialog.addEventListener("cancel", (event) => { if (this.#state === "sending") event.preventDefault(); });
    dialog.addEventListener("close", () => {
      clearTimeout(this.#timer);
      dialog.remove();
      if (options.opener?.isConnected) options.opener.focus();
    });
    this.#parts = { dialog, form, shown, result, reason, go, cancel, buttons };
  }

  show() {
    document.body.append(this.#parts.dialog);
    this.#parts.dialog.showModal();
    (this.#field?.first ?? this.#parts.reason).focus();
    void this.#look();
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
    return { first: choice, place: element("div", { class: "field" }, element("label", { for: "act-value" }, "Place new cars by"), choice) };
  }

  #limitField() {
    const row = this.#options.fleet?.substations.find((each) => each.substation_id === this.#order.target);
    const rated = row?.rated_kw ?? null;
    const start = this.#order.value === null ? rated : (this.#order.value ?? "");
    this.#hint = `Give a limit in kW. It is ${kw(row?.capacity_kw)} now.`;
    const limit = element("input", { id: "act-value", type: "number", min: 0.001, max: rated, step: "any", value: start, required: true });
    const read = () => this.#choose(limit.value === "" ? undefined : Number(limit.value) === rated ? null : Number(limit.value));
    limit.addEventListener("input", read);
    const back = element("button", { type: "button", class: "quiet", click: () => { limit.value = rated; read(); limit.focus(); } }, `Rated: ${kw(rated)}`);
    return { first: limit, place: element("div", { class: "field" }, element("label", { for: "act-value" }, "Limit in kW"), limit, back) };
  }

  #choose(value) {
    this.#order.value = value;
    this.#preview = null; // and with it the reason why the order can't be given
    this.#say("", "");
    attribute(this.#parts.shown, "aria-busy", "true");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), PREVIEW_AFTER_MS);
  }

  /** Ask what the order would do now. */
  async #look() {
    const asked = ++this.#asked;
    const answer = this.#order.value === undefined && this.#field ? null : await post("/api/preview", this.#order);
    if (asked !== this.#asked) return; // a newer one is on its way
    attribute(this.#parts.shown, "aria-busy", null);
    if (!answer?.ok) {
      this.#preview = null;
      this.#parts.shown.replaceChildren(element("p", answer ? { class: "fault" } : {}, answer ? `✕ No preview: ${answer.told}` : this.#hint));
      return;
    }
    this.#preview = answer.body;
    this.#parts.shown.replaceChildren(...previewed(answer.body));
    this.#allow();
  }

  /** Disable the order while it is being sent, and where it can't be given at all. */
  #allow() {
    const { go, cancel, form } = this.#parts;
    go.disabled = this.#state === "sending" || Boolean(this.#preview?.refused);
    const lost = document.activeElement === go || !form.contains(document.activeElement);
    if (lost && go.disabled && this.#state !== "sending") cancel.focus();
  }

  async #give() {
    if (this.#state === "sending" || this.#state === "confirmed") return;
    const { reason } = this.#parts;
    if (!reason.value.trim() || reason.value.trim().length < 3) {
      this.#say("refused", "Give a reason of three characters or more.");
      reason.focus();
      return;
    }
    if (!this.#preview || this.#preview.refused) {
      this.#say("refused", this.#preview ? this.#preview.refused : this.#order.value === undefined && this.#hint ? this.#hint : "There is no preview yet.");
      return;
    }
    this.#say("sending", "Waiting for the grid to confirm it.");
    const body = { ...this.#order, reason: reason.value.trim(), basis: this.#preview.basis, seen: this.#preview.seen };
    const answer = await post("/api/orders", body, confirmed);
    if (answer.ok) this.#done(answer.body);
    else if (answer.code === "unconfirmed") this.#again("unconfirmed", answer.told);
    else if (answer.code === "changed") this.#again("refused", `${who(answer)} This is the new preview: check it, then give the order again.`);
    else if (answer.code === "order-refused") this.#again("refused", who(answer));
    else this.#say("refused", answer.told);
  }

  #again(state, told) {
    this.#say(state, told);
    void this.#look();
  }

  #done({ told, undo }) {
    this.#say("confirmed", `${told} The grid shows it.`);
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

  #say(state, told) {
    this.#state = state;
    const { result, form } = this.#parts;
    attribute(form, "data-state", state || null);
    this.#allow();
    text(result, state ? `${SAID[state]}. ${told}` : "");
  }
}

/** Return what a preview shows. */
function previewed(preview) {
  if (preview.refused) {
    const faster = (preview.earlier ?? []).map((each) => element("p", {}, given(each)));
    return [element("p", { class: "fault" }, `✕ ${preview.refused}`), ...faster];
  }
  const figures = preview.figures.map(({ name, before, after }) => {
    const [title, shown] = FIGURES[name];
    return element("div", {}, element("dt", {}, title), element("dd", {}, before === after ? shown(after) : `${shown(before)} → ${shown(after)}`));
  });
  return [
    element("ul", { class: "effects" }, ...preview.effects.map((each) => element("li", {}, each))),
    ...preview.warnings.map((each) => element("p", { class: "notice" }, `▲ ${each}`)),
    figures.length ? element("dl", { class: "preview-figures" }, ...figures) : null,
    preview.arrivals.length ? element("p", { class: "preview-arrivals" }, `New cars then: ${arriving(preview.arrivals)}.`) : null,
    element("p", { class: "as-of" }, `State of the grid at ${moment(Date.now())}. It is checked again when you give the order.`),
  ].filter(Boolean);
}

const DID = {
  drain: ({ target }) => `drained ${target}`,
  restore: ({ target }) => `restored ${target}`,
  capacity: ({ target, value }) => `gave ${target} ${value === null ? "its rated limit" : `a limit of ${kw(value)}`}`,
  policy: ({ value }) => `switched the policy to ${value}`,
  stop: ({ target }) => `stopped session ${target}`,
};

/** Return in words who gave an order, when and why. */
function given({ who: name, at_unix_ms: atMs, reason, ...order }) {
  return `${name} ${DID[order.order](order)} at ${clock(atMs)} (${reason}).`;
}

/** Return who was faster, and the console's message. */
function who({ body, told }) {
  return body.said ? [...(body.earlier ?? []).map(given), body.said].join(" ") : told;
}

function arriving(arrivals) {
  const named = arrivals.slice(0, MOST_ARRIVALS).map((each) => `${each.substation_id} ${percent(each.share)}`).join(", ");
  return arrivals.length > MOST_ARRIVALS ? `${named} and ${arrivals.length - MOST_ARRIVALS} more` : named;
}

/** Send JSON; returns {ok, body, told, code}. What was not answered is not known: "unconfirmed". */
async function post(path, body, through = (send) => send()) {
  const send = () => fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await through(send).catch(() => null);
  if (!answer) return { ok: false, body: {}, code: "unconfirmed", told: "The console did not answer. The order may have been carried out. Look again; to give it again does no harm." };
  const read = await answer.json().catch(() => ({}));
  const told = answer.status === 401 ? "Your login has ended: log in again." : (read.detail ?? read.title ?? `The console answered ${answer.status}.`);
  return { ok: answer.ok, body: read, code: String(read.type ?? "").split(":").pop(), told };
}
