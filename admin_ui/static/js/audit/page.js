// The audit page: times in this browser's zone, also in its filters, and a notice when there are newer entries.

import { attribute, element, text } from "../lib/dom.js";
import { moment, zone } from "../lib/format.js";

/** Show times in the browser's zone, and a link when the log has newer entries. */
export function start(stream) {
  for (const time of document.querySelectorAll("#entries time")) {
    attribute(time, "title", time.textContent.trim());
    text(time, moment(Date.parse(time.dateTime)));
  }
  localTimes(document.querySelector("form.filters"));
  const newestShown = Number(document.getElementById("log").dataset.newest);
  const place = document.getElementById("newer");
  const link = element("a", { href: place.dataset.href });
  stream.addEventListener("state", () => {
    const newer = stream.state.audit.newest - newestShown;
    if (newer < 1) return;
    text(link, newer === 1 ? "Show 1 newer entry" : `Show ${newer} newer entries`);
    if (!link.isConnected) place.append(link);
  });
}

/** Show the time range in this browser's zone; the address has it in UTC, as it is without scripts. */
function localTimes(form) {
  const fields = ["from", "to"].map((name) => form.elements[name]);
  for (const field of fields) {
    const at = new Date(`${field.value}Z`);
    if (field.value) field.value = new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  }
  for (const place of form.querySelectorAll(".zone")) text(place, zone(Date.now()));
  form.addEventListener("formdata", ({ formData }) => {
    for (const { name, value } of fields) {
      if (value) formData.set(name, new Date(value).toISOString().slice(0, 16));
    }
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
}
