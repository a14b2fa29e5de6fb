// Creates elements and updates them in place, never from markup in strings: Trusted Types forbid that. Links are written from
// the console's root, such as "/audit", and get the path below which this browser sees the console.

import { at } from "./address.js";

const LINKS = new Set(["href", "action"]);

/** Return a new element: `properties` are attributes (a function is a listener, null or false leaves one out). */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== false && value !== undefined) node.setAttribute(key, shown(key, value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Return the nodes with a space between them, so that screen readers and copying keep the words apart. */
export function spaced(...nodes) {
  return nodes.filter(Boolean).flatMap((node, at) => (at ? [" ", node] : [node]));
}

/** Set an element's text, and touch the page only when it differs. */
export function text(node, value) {
  const shown = String(value);
  if (node.textContent !== shown) node.textContent = shown;
}

/** Set or remove an attribute, and touch the page only when it differs. */
export function attribute(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== shown(name, value)) {
    node.setAttribute(name, shown(name, value));
  }
}

function shown(name, value) {
  return LINKS.has(name) ? at(String(value)) : String(value);
}
