// What the page says of its link, and what may be done while there is none.
//
// `body[data-link]` is `waiting` (nothing was heard yet), `live`, `lost` (from here to the console) or `behind`
// (from the console to the balancer). Whatever acts on the grid carries `data-acts`: while the link is not live it is
// `aria-disabled`, and clicks and submits of it go nowhere. It keeps its focus. Call `acts()` for one that is made later.

import { attribute, element, text } from "/static/js/lib/dom.js";
import { moment } from "/static/js/lib/format.js";

const WHY_NOT = "Not while the figures are old";

/** Keep `body[data-link]`, the words about it and all that acts in step with the stream. */
export function followConnection(stream, place) {
  const body = document.body;
  place.replaceChildren();
  const words = element("span");
  const header = place.parentElement;
  const above = () => header.style.setProperty("--above-link", String(place.getBoundingClientRect().top - header.getBoundingClientRect().top));
  new ResizeObserver(above).observe(header);
  place.append(words);
  const say = () => {
    const [state, said] = link(stream, body.dataset.balancer);
    if (body.dataset.link !== state) {
      body.dataset.link = state;
      place.dataset.state = state;
      document.querySelectorAll("[data-acts]").forEach(acts);
    }
    text(words, said);
    above();
  };
  stream.addEventListener("link", say);
  stream.addEventListener("state", say);
  for (const kind of ["click", "submit"]) document.addEventListener(kind, stop, { capture: true });
}

/** Enable or disable something that acts on the grid, as the link is now; returns it. */
export function acts(node) {
  const live = document.body.dataset.link === "live";
  node.dataset.acts = "";
  attribute(node, "aria-disabled", live ? null : "true");
  attribute(node, "title", live ? null : WHY_NOT);
  return node;
}

/** Return the state of the link and its words. */
export function link(stream, balancer) {
  if (!stream.live) {
    if (!stream.state) return ["lost", "✕ The console does not answer. Trying again."];
    return ["lost", `✕ No connection to the console since ${moment(stream.heardMs)}: figures are old. Trying again.`];
  }
  const { stale, heard_unix_s: heard } = stream.state.link;
  if (!stale) return ["live", "Live"];
  if (!heard) return ["behind", `✕ The balancer at ${balancer} has not answered yet. The console tries again.`];
  return ["behind", `✕ The balancer at ${balancer} has not answered since ${moment(heard * 1000)}: figures are old. The console tries again.`];
}

function stop(event) {
  if (document.body.dataset.link === "live" || !event.target.closest?.("[data-acts]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
