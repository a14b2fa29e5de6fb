// Keyboard shortcuts of all pages: `?` lists them. They do nothing while something is typed or a dialog is open, and each
// user can turn them off for this browser (WCAG 2.1.4), because a single letter can be typed by accident.

import { element } from "./dom.js";

const OFF = "shortcuts-off"; // in this browser's storage
const GO_WITHIN_MS = 2000;
const PAGES = { o: "overview", s: "sessions", r: "rush", d: "decisions", a: "alarms", u: "audit", p: "people" };

/** Listen for the shortcuts. A control with `data-shortcut` is pressed by that key while it is visible. */
export function startKeys() {
  let goMs = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      list();
      return;
    }
    if (localStorage.getItem(OFF)) return;
    const going = performance.now() - goMs < GO_WITHIN_MS;
    goMs = event.key === "g" && !going ? performance.now() : -Infinity;
    const target = going ? page(event.key) : event.key === "/" ? search() : pressed(event.key);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) {
      target.focus();
      target.select();
    } else target.click();
  });
}

function typing(node) {
  return node.isContentEditable || node.matches?.("select, textarea, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}

function page(key) {
  return document.querySelector(`nav [data-nav="${PAGES[key]}"]`);
}

function search() {
  return visible("input[type=search]");
}

function pressed(key) {
  return /^[a-z]$/.test(key) ? visible(`[data-shortcut="${key}"]`) : null;
}

function visible(selector) {
  return [...document.querySelectorAll(selector)].find((node) => node.checkVisibility()) ?? null;
}

/** Show the shortcuts that this page has. */
function list() {
  const rows = [
    ["?", "Show this list"],
    ...(search() ? [["/", "Search"]] : []),
    ...Object.entries(PAGES).filter(([key]) => page(key)).map(([key]) => [`g ${key}`, `Go to ${page(key).textContent.trim()}`]),
    ...[...document.querySelectorAll("[data-shortcut]")].filter((node) => node.checkVisibility()).map((node) => [node.dataset.shortcut, node.textContent.trim()]),
    ["Esc", "Close a dialog or the details"],
  ];
  const off = element("input", { type: "checkbox", checked: Boolean(localStorage.getItem(OFF)), change: () => {
    if (off.checked) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  } });
  const dialog = element(
    "dialog", { class: "keys", "aria-labelledby": "keys-title", close: () => dialog.remove() },
    element("h2", { id: "keys-title" }, "Keyboard shortcuts"),
    element("dl", {}, ...rows.flatMap(([key, what]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)])),
    element("label", {}, off, " Turn the shortcuts off in this browser"),
    element("form", { method: "dialog" }, element("button", { type: "submit", class: "quiet" }, "Close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}
