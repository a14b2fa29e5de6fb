// Where this browser sees the console: below a path, when a proxy shows it at a part of a host.

const BASE = new URL(import.meta.url).pathname.split("/static/")[0];

/** Return an address of the console, written from its root, as this browser sees it; every other address stays as it is. */
export function at(address) {
  const below = address === BASE || ["/", "?", "#"].some((next) => address.startsWith(BASE + next));
  return !BASE || !address.startsWith("/") || address.startsWith("//") || below ? address : BASE + address;
}

/** Send a request to an address of the console; like `fetch`. */
export function ask(address, options = {}) {
  return fetch(at(address), options);
}
