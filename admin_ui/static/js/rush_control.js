// The form of the rush hour: one button that starts it, and in its place one that stops it.

import { acts } from "/static/js/link.js";
import { attribute, element, text } from "/static/js/dom.js";
import { STOP_WORDS, goesOn, start, stop } from "/static/js/rush.js";

const SEED_WORDS = "The same seed sends the same cars.";

/** Wires the form; `update` is given the newest state of the rush hour. */
export class RushControl {
  #form;
  #asking = false;
  #rush = { run: null, elsewhere: null };

  constructor(form, fault) {
    this.#form = form;
    this.fault = fault;
    this.start = form.querySelector("#rush-start");
    this.stop = form.querySelector("#rush-stop");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(() => start(this.#asked()), this.stop);
    });
    this.stop.addEventListener("click", () => this.#ask(stop, this.start));
    acts(this.start).disabled = false; // a click before this would have sent the form, and started nothing
    this.#presets();
  }

  update(rush) {
    this.#rush = rush;
    const running = goesOn(rush.run);
    const focused = document.activeElement;
    attribute(this.start, "hidden", running);
    attribute(this.stop, "hidden", !running);
    attribute(this.stop, "aria-disabled", rush.run?.stopping ? "true" : null);
    if (focused === this.start && running) this.stop.focus();
    if (focused === this.stop && !running) this.start.focus();
    this.#words();
  }

  async #ask(send) {
    if (this.#asking) return;
    this.#asking = true;
    this.#words();
    this.#say("");
    this.#say(await send());
    this.#asking = false;
    this.#words();
  }

  #words() {
    const running = goesOn(this.#rush.run);
    text(this.start, this.#asking && !running ? "Starting…" : "Start rush hour");
    text(this.stop, this.#rush.run?.stopping ? "Stopping…" : STOP_WORDS);
    attribute(this.start, "aria-busy", this.#asking && !running ? "true" : null);
  }

  #say(fault) {
    attribute(this.fault, "hidden", !fault);
    text(this.fault, fault);
  }

  #asked() {
    const fields = this.#form.elements;
    const asked = { preset: fields.preset.value };
    for (const name of ["seed", "requests", "seconds"]) {
      const field = fields[name];
      if (field.value !== "") asked[name] = field.valueAsNumber;
      else if (field.validity.badInput) asked[name] = "";
    }
    return asked;
  }

  async #presets() {
    const answer = await fetch("/api/rush/presets").catch(() => null);
    if (!answer?.ok) return;
    const { presets } = await answer.json();
    const select = this.#form.elements.preset;
    const about = document.getElementById("preset-about");
    const chosen = select.value;
    select.replaceChildren(...presets.map(({ name }) => element("option", { value: name }, name)));
    select.value = presets.some(({ name }) => name === chosen) ? chosen : presets[0].name;
    const say = () => {
      const found = presets.find(({ name }) => name === select.value);
      if (found.about) text(about, `${found.about[0].toUpperCase()}${found.about.slice(1)}. ${SEED_WORDS}`);
    };
    select.addEventListener("change", say);
    say();
  }
}
