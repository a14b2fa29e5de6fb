// The form that starts a rush hour.

import { ask } from "../lib/address.js";
import { acts } from "../lib/connection.js";
import { attribute, element, text } from "../lib/dom.js";
import { inProgress, showStart, start } from "./control.js";

const SEED_WORDS = "The same seed produces the same cars.";

/** The form; call `update` with the newest state of the rush hour. */
export class StartForm {
  #form;
  #pending = false;
  #rush = { run: null, elsewhere: null };

  constructor(form, fault) {
    this.#form = form;
    this.fault = fault;
    this.start = form.querySelector("#rush-start");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    acts(this.start).disabled = false; // before this script ran, a click would have submitted the form
    this.#presets();
  }

  update(rush) {
    this.#rush = rush;
    this.#show();
  }

  async #start() {
    if (this.#pending || inProgress(this.#rush.run)) return;
    this.#pending = true;
    this.#show();
    this.#showFault("");
    this.#showFault(await start(this.#options()));
    this.#pending = false;
    this.#show();
  }

  #show() {
    showStart(this.start, this.#rush.run, this.#pending);
  }

  #showFault(fault) {
    attribute(this.fault, "hidden", !fault);
    text(this.fault, fault);
  }

  #options() {
    const fields = this.#form.elements;
    const options = { preset: fields.preset.value };
    for (const name of ["seed", "requests", "seconds"]) {
      const field = fields[name];
      if (field.value !== "") options[name] = field.valueAsNumber;
      else if (field.validity.badInput) options[name] = "";
    }
    return options;
  }

  async #presets() {
    const answer = await ask("/api/rush/presets").catch(() => null);
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
