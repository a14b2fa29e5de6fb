// The one-line diagram: the feeder, the substations, and what each branch carries, from the same figures as the table.
//
// Substations keep their places by name, so that a reader finds each where it was. Lines are as thick as their power.

import { attribute, text } from "../lib/dom.js";
import { carried } from "../lib/carried.js";
import { conditions, stateWords } from "../lib/conditions.js";
import { count, kw, percent } from "../lib/format.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 24; // substations
const COLUMN = 190; // px at least
const NARROW = 520; // px: below it, substations stand under each other
const THICK = 9; // px of the line that carries the most
const TARGET = 44; // px that a finger hits
const UNREACHED = new Set(["gone", "conflict"]); // what they carry is not known to be there
const HEADS = 74; // px of the feeder above the first bus
const TIGHT = { height: 124, x: 50, top: 14 };
const WIDE = { height: 196, top: 62 };
const names = new Intl.Collator("en", { numeric: true });

/** The diagram in `place`; `open` is called with the id of a substation that was chosen, `href` returns its address. */
export class OneLine {
  #place;
  #href;
  #open;
  #drawn = "";
  #parts = new Map();
  #svg = svg("svg", { class: "one-line", role: "group" });
  #note = document.createElement("p");
  #feeder;

  constructor(place, { href, open }) {
    [this.#place, this.#href, this.#open] = [place, href, open];
    this.#note.className = "table-status";
    place.append(this.#svg, this.#note);
  }

  /** Show rows of the state whose ids are among `ids`. */
  update({ substations }, ids) {
    const wanted = new Set(ids);
    const rows = substations.filter((row) => wanted.has(row.substation_id)).sort((a, b) => names.compare(a.substation_id, b.substation_id)).slice(0, MOST);
    const width = Math.floor(this.#place.clientWidth);
    if (!width) return;
    const key = JSON.stringify([width, getComputedStyle(document.documentElement).fontSize, rows.map((row) => row.substation_id)]);
    if (key !== this.#drawn) this.#draw(rows, width);
    this.#drawn = key;
    const reached = substations.filter((row) => !UNREACHED.has(row.state));
    const [totalKw, mostKw] = [sum(reached, carried), Math.max(1, ...rows.map(carried))];
    text(this.#feeder, `Feeder ${kw(totalKw)}`);
    for (const row of rows) this.#parts.get(row.substation_id).show(row, mostKw);
    attribute(this.#svg, "aria-label", `One-line diagram: the feeder carries ${kw(totalKw)} to ${count(reached.length)} substations`);
    const more = substations.length - rows.length;
    text(this.#note, more > 0 ? `${count(rows.length)} of ${count(substations.length)} substations: the first of the table below. Its search and its pages choose others.` : "");
  }

  #draw(rows, width) {
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const inner = width / scale; // texts grow with those of the page
    const narrow = inner < NARROW;
    const columns = narrow ? 1 : Math.max(1, Math.min(rows.length, Math.floor((inner - 40) / COLUMN)));
    const lines = Math.ceil(rows.length / columns) || 1;
    const height = narrow ? 60 + rows.length * TIGHT.height : HEADS + lines * WIDE.height;
    for (const [name, value] of Object.entries({ viewBox: `0 0 ${inner} ${height}`, width, height: height * scale })) this.#svg.setAttribute(name, value);
    const focused = document.activeElement?.dataset?.oneLine;
    this.#feeder = label(36, 26, "Feeder", "feeder");
    const bus = narrow ? `M20 30V${60 + (rows.length - 1) * TIGHT.height + TIGHT.top + 12}` : `M20 30V${HEADS + (lines - 1) * WIDE.height - 20}`;
    this.#svg.replaceChildren(svg("circle", { cx: 20, cy: 20, r: 7, class: "source" }), this.#feeder, svg("path", { d: bus, class: "bus" }));
    this.#parts.clear();
    const step = (inner - 40) / columns;
    rows.forEach((row, at) => {
      const [line, column] = [Math.floor(at / columns), at % columns];
      const place = narrow ? { x: TIGHT.x, y: 60 + at * TIGHT.height, width: inner - TIGHT.x - 12 } : { x: 40 + column * step, y: HEADS - 20 + line * WIDE.height, width: step - 22 };
      if (!narrow && !column) this.#svg.append(svg("path", { d: `M20 ${place.y}H${40 + (Math.min(columns, rows.length - at) - 1) * step + 14}`, class: "bus" }));
      const part = new Branch(row.substation_id, place, narrow, this.#href(row.substation_id), this.#open);
      this.#parts.set(row.substation_id, part);
      this.#svg.append(part.node);
    });
    if (focused) this.#svg.querySelector(`[data-one-line="${CSS.escape(focused)}"]`)?.focus();
  }
}

/** One substation: its transformer, its state and load, and the branches of its cars and of its base load. */
class Branch {
  constructor(name, { x, y, width }, narrow, href, open) {
    const [left, top] = narrow ? [x + 14, y + TIGHT.top] : [x + 34, y + WIDE.top - 18];
    const wide = Math.max(width - (left - x), 60);
    const link = svg("a", { href, "data-one-line": name });
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(name);
    });
    link.append(svg("rect", { x: left - 4, y: top - 22, width: wide, height: TARGET, class: "target" }), label(left, top + 4, name, "name"));
    this.feed = svg("path", { d: narrow ? `M20 ${top}H${x - 18}` : `M${x + 14} ${y}V${top - 13}`, class: "branch" });
    const [cx, cy] = narrow ? [x - 8, top] : [x + 14, top - 4];
    const coils = narrow ? [[cx - 5, cy], [cx + 5, cy]] : [[cx, cy - 5], [cx, cy + 5]];
    this.state = label(left, top + 22, "", "state");
    this.load = label(left, top + 41, "", "load");
    this.ground = svg("rect", { x: left, y: top + 49, width: wide, height: 8, class: "ground" });
    this.fill = svg("rect", { x: left, y: top + 49, width: 0, height: 8, class: "fill" });
    this.baseFill = svg("rect", { x: left, y: top + 49, width: 0, height: 8, class: "fill-base" });
    this.limit = svg("rect", { x: left + wide / 1.1 - 1, y: top + 45, width: 2, height: 16, class: "limit" });
    this.wide = wide;
    const [at, second] = narrow ? [top + 78, top + 97] : [top + 84, top + 108];
    const trunk = cx;
    this.cars = svg("path", { d: `M${trunk} ${at - 4}H${left - 4}`, class: "branch" });
    this.base = svg("path", { d: `M${trunk} ${second - 4}H${left - 4}`, class: "branch" });
    this.trunk = svg("path", { d: `M${trunk} ${cy + (narrow ? 6 : 11)}V${second - 4}`, class: "branch thin" });
    this.carsWords = label(left, at, "", "words");
    this.baseWords = label(left, second, "", "words");
    this.node = svg("g", { class: "substation" });
    this.node.append(
      this.feed, this.trunk, this.cars, this.base, ...coils.map(([at, down]) => svg("circle", { cx: at, cy: down, r: 7, class: "coil" })),
      link, this.state, this.load, this.ground, this.fill, this.baseFill, this.limit, this.carsWords, this.baseWords,
    );
  }

  show(row, mostKw) {
    const [shape, words, level] = stateWords(row);
    attribute(this.node, "data-level", level);
    attribute(this.node, "data-stale", row.stale ? "" : null);
    const found = conditions(row);
    text(this.state, `${shape} ${words}`.trim() + (row.stale && !found.some((each) => each.word === "old report") ? " (last known values)" : ""));
    const share = row.capacity_kw ? carried(row) / row.capacity_kw : 0;
    text(this.load, `${kw(carried(row)).replace(" kW", "")} of ${kw(row.capacity_kw)}, ${percent(share)}`);
    const long = (part) => ((Math.min(Math.max(part, 0), 1.1) / 1.1) * this.wide).toFixed(1);
    this.fill.setAttribute("width", long(share));
    this.baseFill.setAttribute("width", long(row.capacity_kw ? (row.base_load_kw ?? 0) / row.capacity_kw : 0));
    const paused = row.paused ? `, ‖ ${count(row.paused)} paused` : "";
    text(this.carsWords, `${count(row.sessions)} ${row.sessions === 1 ? "car" : "cars"} ${kw(row.load_kw)}${paused}`);
    text(this.baseWords, `Base load ${kw(row.base_load_kw ?? 0)}`);
    const thick = (value) => (value < 0.5 ? "1" : (1 + (THICK - 1) * Math.min(value / mostKw, 1)).toFixed(1));
    this.feed.setAttribute("stroke-width", thick(carried(row)));
    this.cars.setAttribute("stroke-width", thick(row.load_kw));
    this.base.setAttribute("stroke-width", thick(row.base_load_kw ?? 0));
  }
}

function label(x, y, words, kind) {
  const node = svg("text", { x, y, class: kind });
  node.textContent = words;
  return node;
}

function sum(rows, of) {
  return rows.reduce((total, row) => total + of(row), 0);
}

function svg(name, properties) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) node.setAttribute(key, value);
  return node;
}
