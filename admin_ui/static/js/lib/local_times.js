// Times that the console wrote in UTC, in the zone of this browser; addresses have them in UTC, as they are without scripts.

import { attribute, text } from "./dom.js";
import { moment, zone } from "./format.js";

/** Show times in the browser's zone; their titles keep what the console wrote. */
export function localTimes(times) {
  for (const time of times) {
    attribute(time, "title", time.textContent.trim());
    text(time, moment(Date.parse(time.dateTime)));
  }
}

/** Show the fields "from" and "to" of a form in the browser's zone, and send them in UTC, without those that are empty. */
export function localFields(form) {
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
