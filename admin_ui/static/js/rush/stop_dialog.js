// The button that stops a rush hour, and its dialog, which asks whether to end the sessions of the run.

import { attribute, element, text } from "../lib/dom.js";
import { acts } from "../lib/connection.js";
import { inProgress, stop } from "./control.js";
import { count } from "../lib/format.js";

const KEEP = { value: "keep", go: "Stop sending", words: "Stop sending. Admitted cars continue to charge." };
const END = { value: "end", go: (most) => `Stop and end its sessions (at most ${count(most)})`, words: "Stop sending, and end the sessions of this run immediately." };
const NO_WAY_BACK = "Ending sessions cannot be undone. Those cars would have to send a new request and may be refused.";

/** Return a button that opens the dialog. `after()` returns what gets the focus if the button is gone by then. */
export function stopButton(stream, after) {
  return acts(element("button", {
    type: "button", class: "quiet rush-stop", "aria-haspopup": "dialog",
    click: (event) => new StopDialog(stream, event.currentTarget, after).show(),
  }, "Stop rush hour…"));
}

/** Update the button; a run can be stopped once it has an id. */
export function showStop(button, run) {
  attribute(button, "hidden", !inProgress(run) || run.stopping || !run.run_id);
}

class StopDialog {
  #stream;
  #runId;
  #state = "";
  #parts = {};

  constructor(stream, opener, after) {
    this.#stream = stream;
    this.#runId = stream.state.rush.run?.run_id ?? null;
    const about = element("p", { id: "stop-about" });
    const figures = element("p", { class: "stop-figures", "aria-live": "off" });
    const [keep, end] = [KEEP, END].map(({ value, words }) => this.#choice(value, words));
    const warning = element("p", { class: "notice" }, `▲ ${NO_WAY_BACK}`);
    const result = element("p", { class: "result", role: "status" });
    const cancel = element("button", { type: "button", class: "quiet", click: () => this.#parts.dialog.close() }, "Keep running");
    const go = acts(element("button", { type: "submit" }));
    const form = element(
      "form", { method: "dialog", submit: (event) => { event.preventDefault(); void this.#give(); } },
      element("h2", { id: "stop-title" }, "Stop the rush hour?"), about, figures,
      element("fieldset", { class: "stop-choices" }, element("legend", {}, "Admitted cars"), keep, end), warning,
      element("p", { class: "as-of" }, "Measurements up to the stop are kept. The run is listed as stopped."),
      result, element("div", { class: "buttons" }, cancel, go),
    );
    const dialog = element("dialog", { class: "act-dialog", "aria-labelledby": "stop-title", "aria-describedby": "stop-about" }, form);
    const show = () => this.#show();
    stream.addEventListener("state", show);
    form.addEventListener("change", show);
    dialog.addEventListener("close", () => {
      stream.removeEventListener("state", show);
      dialog.remove();
      (opener.isConnected && !opener.hidden ? opener : after())?.focus();
    });
    this.#parts = { dialog, form, about, figures, warning, result, cancel, go };
  }

  show() {
    document.body.append(this.#parts.dialog);
    this.#show();
    this.#parts.dialog.showModal();
    this.#parts.cancel.focus(); // a key that is pressed twice keeps the run going
  }

  #choice(value, words) {
    const id = `stop-${value}`;
    const box = element("input", { type: "radio", name: "cars", id, value, checked: value === KEEP.value });
    return element("div", {}, box, element("label", { for: id }, words));
  }

  #ends() {
    return this.#parts.form.elements.cars.value === END.value;
  }

  #show() {
    const { run } = this.#stream.state.rush;
    const ours = run?.run_id === this.#runId ? run : null;
    const { about, figures, warning, go, form, dialog } = this.#parts;
    if (this.#state === "sending") {
      this.#progress(ours);
      return;
    }
    if (!inProgress(ours)) this.#notPossible("The run has ended. There is nothing to stop.");
    else if (ours.stopping) this.#notPossible(`${ours.stopped_by} is already stopping it and ${ours.ends_sessions ? "ending its sessions" : "leaving its cars on the grid"}.`);
    if (!ours || !dialog.isConnected) return;
    const open = this.#stream.state.totals.sessions;
    const most = Math.min(ours.admitted ?? 0, open);
    text(about, `${ours.run_id ?? ours.preset}, started by ${ours.by}.`);
    text(figures, `${count(ours.sent ?? 0)} of ${count(ours.planned ?? ours.requests)} cars sent, ${count(ours.admitted ?? 0)} admitted. The whole grid has ${count(open)} open sessions.`);
    attribute(warning, "hidden", !this.#ends());
    text(go, this.#ends() ? END.go(most) : KEEP.go);
    attribute(form, "data-ends", this.#ends() ? "true" : null);
  }

  #notPossible(why) {
    const { result, go, cancel, form } = this.#parts;
    this.#state = "over";
    attribute(form, "data-state", "refused");
    text(result, `✕ Not stopped here. ${why}`);
    go.disabled = true;
    text(cancel, "Close");
  }

  #progress(run) {
    const { result } = this.#parts;
    const off = run?.taken_off;
    if (off) text(result, `◷ Stopping: ${count(off.ended + off.over)} of ${count(off.sessions)} sessions have ended.`);
  }

  async #give() {
    if (this.#state) return;
    const { dialog, form, result, go, cancel } = this.#parts;
    const ends = this.#ends();
    this.#state = "sending";
    attribute(form, "data-state", "sending");
    go.disabled = true;
    text(cancel, "Close");
    text(result, "◷ Stopping: waiting for open requests.");
    const fault = await stop(this.#runId, ends);
    if (!fault) {
      dialog.close();
      return;
    }
    this.#state = "over";
    attribute(form, "data-state", "refused");
    text(result, `✕ ${fault}`);
  }
}
