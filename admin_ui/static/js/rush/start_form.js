// The form of the rush hour, with the button that starts it, which stays in its place during a run.

import { acts } from "/static/js/lib/connection.js";
import { attribute, element, text } from "/static/js/lib/dom.js";
import { goesOn, showStart, start } from "/static/js/rush/control.js";

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
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    acts(this.start).disabled = false; // a click before this would have sent the form, and started nothing
    this.#presets();
  }

  update(rush) {
    this.#rush = rush;
    this.#show();
  }

  async #ask() {
    if (this.#asking || goesOn(this.#rush.run)) return;
    this.#asking = true;
    this.#show();
    this.#say("");
    this.#say(await start(this.#asked()));
    this.#asking = false;
    this.#show();
  }

  #show() {
    showStart(this.start, this.#rush.run, this.#asking);
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
