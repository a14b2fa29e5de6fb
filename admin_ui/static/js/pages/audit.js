// The audit page: times as on this machine's clock, and a word when there is something newer.

import { attribute, element, text } from "/static/js/dom.js";

/** Return a moment as this machine's clock shows it, in an order that sorts. */
function local(moment) {
  const two = (value) => String(value).padStart(2, "0");
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  return `${day} ${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":")}`;
}

/** Say when there are newer entries than those on the page. */
export function start(stream) {
  for (const time of document.querySelectorAll("#entries time")) {
    attribute(time, "title", `${time.textContent.trim()} UTC`);
    text(time, local(new Date(time.dateTime)));
  }
  text(document.getElementById("clock"), "Times are those of this machine's clock.");
  const shown = Number(document.getElementById("log").dataset.newest);
  const place = document.getElementById("newer");
  const link = element("a", { href: place.dataset.href });
  stream.addEventListener("state", () => {
    const newer = stream.state.audit.newest - shown;
    if (newer < 1) return;
    text(link, newer === 1 ? "1 newer entry: show it" : `${newer} newer entries: show them`);
    if (!link.isConnected) place.append(link);
  });
}
