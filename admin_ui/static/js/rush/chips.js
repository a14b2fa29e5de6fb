// The thresholds of a run while it goes on: one chip each, with its state, its value so far and its limit.

import { attribute, element, text } from "../lib/dom.js";

const SHAPES = { pending: "◷", passing: "✓", failing: "▲" };
const ORDER = ["failing", "passing", "pending"];

/** Keeps the chips in `place` and says in `announced` when a threshold begins to fail or recovers. */
export class Chips {
  #chips = new Map();
  #failing = null;

  constructor(announced) {
    this.list = element("ul", { class: "chips", role: "list", "aria-labelledby": "chips-title" });
    this.node = element("section", { class: "rush-chips", hidden: true }, element("h3", { id: "chips-title" }, "Thresholds so far"), this.list);
    this.announced = announced;
  }

  /** Show these thresholds; none hides the chips. */
  show(thresholds) {
    attribute(this.node, "hidden", !thresholds.length);
    const sorted = [...thresholds].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
    const names = new Set(sorted.map(({ name }) => name));
    for (const [name, chip] of this.#chips) {
      if (names.has(name)) continue;
      chip.node.remove();
      this.#chips.delete(name);
    }
    sorted.forEach((threshold, place) => {
      const chip = this.#chips.get(threshold.name) ?? this.#add(threshold.name);
      if (this.list.children[place] !== chip.node) this.list.insertBefore(chip.node, this.list.children[place] ?? null);
      attribute(chip.node, "data-state", threshold.state);
      text(chip.state, `${SHAPES[threshold.state] ?? ""} ${threshold.state}`);
      text(chip.title, threshold.title);
      text(chip.value, threshold.value);
      text(chip.limit, threshold.limit);
    });
    this.#announce(sorted);
  }

  #add(name) {
    const parts = Object.fromEntries(["state", "title", "value", "limit"].map((part) => [part, element("span", { class: part })]));
    const chip = { ...parts, node: element("li", { class: "chip" }, parts.state, " ", parts.title, " ", parts.value, " ", element("span", { class: "limit-words" }, "(", parts.limit, ")")) };
    this.#chips.set(name, chip);
    return chip;
  }

  /** Announce a threshold that begins to fail or passes again; values that move are not read out. */
  #announce(thresholds) {
    const failing = new Set(thresholds.filter(({ state }) => state === "failing").map(({ title }) => title));
    const before = this.#failing ?? failing;
    this.#failing = thresholds.length ? failing : null;
    const began = [...failing].filter((title) => !before.has(title));
    const ended = [...before].filter((title) => !failing.has(title));
    if (!thresholds.length || !(began.length + ended.length)) return;
    text(this.announced, [...began.map((title) => `Failing: ${title}`), ...ended.map((title) => `No longer failing: ${title}`)].join(". "));
  }
}
