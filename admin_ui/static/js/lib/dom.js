// Elements, made and kept up to date without markup from strings: Trusted Types allow nothing else.

/** Return a new element: `properties` are attributes (a function is a listener, null or false leaves one out). */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Return nodes with a space between each two, so that they are read and copied as separate words. */
export function spaced(...nodes) {
  return nodes.filter(Boolean).flatMap((node, at) => (at ? [" ", node] : [node]));
}

/** Set an element's text, touching the page only when it differs. */
export function text(node, value) {
  const shown = String(value);
  if (node.textContent !== shown) node.textContent = shown;
}

/** Set or remove an attribute, touching the page only when it differs. */
export function attribute(node, name, value) {
  if (value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}
