// What a page shows, kept in its address: a reload, a bookmark and the back button find it again.

/** Parameters of the page's address; "change" tells of each change, whoever made it. */
export class View extends EventTarget {
  #known = new URLSearchParams(location.search);

  constructor() {
    super();
    addEventListener("popstate", () => {
      this.#known = new URLSearchParams(location.search);
      this.dispatchEvent(new Event("change"));
    });
  }

  get(name, otherwise = "") {
    return this.#known.get(name) ?? otherwise;
  }

  /** Set some parameters ("" or null takes one out); `step` makes it one that the back button undoes. */
  set(values, { step = false } = {}) {
    for (const [name, value] of Object.entries(values)) {
      if (value === "" || value === null) this.#known.delete(name);
      else this.#known.set(name, value);
    }
    const address = this.with({});
    if (step) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    this.dispatchEvent(new Event("change"));
  }

  /** Return the address of this view with some parameters changed. */
  with(values) {
    const changed = new URLSearchParams(this.#known);
    for (const [name, value] of Object.entries(values)) changed.set(name, value);
    return changed.size ? `${location.pathname}?${changed}` : location.pathname;
  }
}
