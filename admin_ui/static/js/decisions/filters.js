// What of the decisions is shown: refused ones, those of a substation, of a policy, of a balancer. The page's address keeps it.

import { attribute, element, spaced } from "../lib/dom.js";

const ANY = "";

export class DecisionFilters {
  #view;
  #refused;
  #selects = new Map();

  /** `place` gets the controls; `changed()` is called when something else is wanted. */
  constructor(place, view, changed) {
    this.#view = view;
    this.#refused = element("input", { type: "checkbox", id: "only-refused", change: () => view.set({ refused: this.#refused.checked ? "1" : "" }) });
    place.append(...spaced(
      element("span", { class: "filter" }, this.#refused, " ", element("label", { for: "only-refused" }, "Refused only")),
      this.#select("substation", "Substation"), this.#select("policy", "Policy"), this.#select("balancer", "Balancer"),
    ));
    this.several([]);
    view.addEventListener("change", () => {
      this.#read();
      changed();
    });
    this.#read();
  }

  /** Whether anything is left out. */
  get active() {
    return Boolean(this.#view.get("refused") || this.#view.get("substation") || this.#view.get("policy") || this.#view.get("balancer"));
  }

  /** The same as a query of the console. */
  get query() {
    return Object.fromEntries(["refused", "substation", "policy", "balancer"].map((name) => [name, this.#view.get(name)]).filter(([, value]) => value));
  }

  /** Whether a decision is wanted. */
  wants({ kind, chosen, candidates, policy, balancer }) {
    const [substation, wanted] = [this.#view.get("substation"), this.#view.get("policy")];
    return (!this.#view.get("refused") || kind === "refused")
      && (!substation || chosen === substation || (!chosen && candidates.some(({ name }) => name === substation)))
      && (!wanted || policy === wanted)
      && (!this.#view.get("balancer") || balancer === this.#view.get("balancer"));
  }

  /** Offer these choices, beside those that are chosen. */
  offer(name, values) {
    const select = this.#selects.get(name);
    const wanted = this.#view.get(name);
    const all = [...new Set([...values, ...(wanted ? [wanted] : [])])].sort();
    if (all.join(" ") === select.dataset.all) return;
    select.dataset.all = all.join(" ");
    select.replaceChildren(element("option", { value: ANY }, "Any"), ...all.map((each) => element("option", { value: each }, each)));
    select.value = wanted;
  }

  /** Offer the balancers, by their names; [] where there is only one. */
  several(names) {
    this.offer("balancer", names);
    attribute(this.#selects.get("balancer").parentElement, "hidden", names.length || this.#view.get("balancer") ? null : "");
  }

  #select(name, title) {
    const select = element("select", { id: `only-${name}`, change: () => this.#view.set({ [name]: select.value }) });
    this.#selects.set(name, select);
    return element("span", { class: "filter" }, element("label", { for: `only-${name}` }, title), " ", select);
  }

  #read() {
    this.#refused.checked = Boolean(this.#view.get("refused"));
    for (const [name, select] of this.#selects) {
      this.offer(name, [...select.options].map(({ value }) => value).filter(Boolean));
      select.value = this.#view.get(name);
    }
  }
}
