// The reserved power of a session as steps over time, with a mark at the present; and the same as a table.

import { attribute, element, text } from "../lib/dom.js";
import { clock } from "../lib/format.js";

const SVG = "http://www.w3.org/2000/svg";
const [HEIGHT, LEAST_LEFT, RIGHT, TOP, BOTTOM] = [150, 56, 8, 22, 24];
const CHARACTER = 8; // px of a digit in a label, at most

/** Keeps a chart and its table in step with `reserved` of a session. */
export class StepChart {
  #frame = element("div", { class: "step-chart" });
  #body = element("tbody");
  #steps = [];

  constructor(place) {
    const table = element(
      "details", { class: "figures" }, element("summary", {}, "Chart data as a table"),
      element("table", {}, element("thead", {}, element("tr", {}, ...["From", "Reserved", ""].map((name) => (name ? element("th", { scope: "col" }, name) : element("td"))))), this.#body),
    );
    place.append(this.#frame, table);
    new ResizeObserver(() => this.#draw()).observe(this.#frame);
  }

  /** Show the steps: each {from, power_kw}, down to 0 at the end. */
  show(reserved) {
    this.#steps = reserved.map((step) => ({ at: Date.parse(step.from), kw: step.power_kw }));
    this.#draw();
    const now = Date.now();
    const rows = this.#steps.map(({ at, kw }, n) => {
      const is = at <= now && !(this.#steps[n + 1]?.at <= now) ? "now" : at > now ? "planned" : "";
      return [clock(at), `${kw} kW`, is];
    });
    while (this.#body.rows.length > rows.length) this.#body.lastChild.remove();
    rows.forEach((row, n) => {
      const line = this.#body.rows[n] ?? this.#body.appendChild(element("tr", {}, element("td"), element("td", { class: "number" }), element("td")));
      row.forEach((value, cell) => text(line.cells[cell], value));
    });
  }

  #draw() {
    const width = this.#frame.clientWidth;
    if (!width || this.#steps.length < 2) return;
    const [first, last] = [this.#steps[0], this.#steps.at(-1)];
    const now = Math.min(Math.max(Date.now(), first.at), last.at);
    const most = Math.max(...this.#steps.map((step) => step.kw), 0.001);
    const highest = `${most.toLocaleString("en")} kW`;
    const left = Math.max(LEAST_LEFT, 12 + CHARACTER * highest.length);
    const x = (at) => left + ((at - first.at) / Math.max(last.at - first.at, 1)) * (width - left - RIGHT);
    const y = (kw) => TOP + (1 - kw / most) * (HEIGHT - TOP - BOTTOM);
    const path = (from, to) => this.#steps.slice(0, -1).map(({ at, kw }, n) => {
      const [begin, end] = [Math.max(at, from), Math.min(this.#steps[n + 1].at, to)];
      return end > begin ? `M${x(begin)} ${y(kw)}H${x(end)}${end === this.#steps[n + 1].at ? `V${y(this.#steps[n + 1].kw)}` : ""}` : "";
    }).join("");
    const ended = now >= last.at;
    const label = (at, words, anchor, top) => svg("text", { x: at, y: top, "text-anchor": anchor }, words);
    const chart = svg(
      "svg", { width, height: HEIGHT, role: "img", "aria-label": `Reserved power from ${clock(first.at)} to ${clock(last.at)}, at most ${highest}; the table below has the figures` },
      svg("path", { class: "axis", d: `M${left} ${TOP}V${y(0)}H${width - RIGHT}` }),
      svg("path", { class: "planned", d: path(now, last.at) }), svg("path", { class: "past", d: path(first.at, now) }),
      label(left - 6, highest, "end", y(most) + 4), label(left - 6, "0", "end", y(0) + 4),
      label(left, clock(first.at), "start", HEIGHT - 6), label(width - RIGHT, clock(last.at), "end", HEIGHT - 6),
      ended ? null : svg("path", { class: "now", d: `M${x(now)} ${TOP - 6}V${y(0)}` }),
      ended ? null : label(Math.min(Math.max(x(now), left + 14), width - RIGHT - 14), "now", "middle", TOP - 9),
    );
    this.#frame.replaceChildren(chart);
  }
}

function svg(name, properties, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) attribute(node, key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
