// Shows the state of the connection, and blocks actions while there is none.
//
// `body[data-link]` is `waiting` (no data yet), `live`, `lost` (no connection from here to the console) or `behind` (none from
// the console to the balancer). Every control that acts on the grid carries `data-acts`. While the connection is not live, the
// control is `aria-disabled`, keeps its focus, and its clicks and submits do nothing. Call `acts()` for a control that is created later.

import { attribute, element, text } from "./dom.js";
import { moment } from "./format.js";

const NOT_AVAILABLE = "Not available while the data is out of date";

/** Keep `body[data-link]`, its message and all controls that act on the grid in step with the stream. */
export function followConnection(stream, place) {
  const body = document.body;
  place.replaceChildren();
  const words = element("span");
  const header = place.parentElement;
  const above = () => header.style.setProperty("--above-link", String(place.getBoundingClientRect().top - header.getBoundingClientRect().top));
  new ResizeObserver(above).observe(header);
  place.append(words);
  const say = () => {
    const [state, message] = connection(stream, body.dataset.balancer);
    if (body.dataset.link !== state) {
      body.dataset.link = state;
      place.dataset.state = state;
      document.querySelectorAll("[data-acts]").forEach(acts);
    }
    text(words, message);
    above();
  };
  stream.addEventListener("link", say);
  stream.addEventListener("state", say);
  for (const kind of ["click", "submit"]) document.addEventListener(kind, stop, { capture: true });
}

/** Enable or disable a control that acts on the grid, depending on the connection. Returns the control. */
export function acts(node) {
  const live = document.body.dataset.link === "live";
  node.dataset.acts = "";
  attribute(node, "aria-disabled", live ? null : "true");
  attribute(node, "title", live ? null : NOT_AVAILABLE);
  return node;
}

/** Return the state of the connection and its message. */
export function connection(stream, balancer) {
  if (!stream.live) {
    if (!stream.state) return ["lost", "✕ The console does not answer. Retrying."];
    return ["lost", `✕ No connection to the console since ${moment(stream.heardMs)}: the data is out of date. Retrying.`];
  }
  const { stale, heard_unix_s: heard } = stream.state.link;
  if (!stale) return ["live", "Live"];
  if (!heard) return ["behind", `✕ ${noAnswer(balancer)} yet. The console keeps trying.`];
  return ["behind", `✕ ${noAnswer(balancer)} since ${moment(heard * 1000)}: the data is out of date. The console keeps trying.`];
}

function stop(event) {
  if (document.body.dataset.link === "live" || !event.target.closest?.("[data-acts]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Return the begin of a sentence about no answer; `addresses` are the URLs of the balancers, separated by commas. */
function noAnswer(addresses) {
  return addresses.includes(", ") ? `None of the balancers at ${addresses} has answered` : `The balancer at ${addresses} has not answered`;
}
