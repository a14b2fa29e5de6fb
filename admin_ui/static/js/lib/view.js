// Keeps a page's view in its address, so that a reload, a bookmark and the back button restore it.

/** Parameters of the page's address; dispatches "change" after each change, also after a step back. */
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

  /** Set some parameters ("" or null removes one). With `step` the back button undoes the change. */
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
