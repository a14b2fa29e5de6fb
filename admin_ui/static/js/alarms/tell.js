// Tells the person at this browser of new alarms, on every page: by sound and by notification, as they have chosen.
//
// Each alarm is told once in a browser, whatever pages and tabs are open: the number of the newest that was told is in its
// storage. Ids of alarms rise with time.

import { at } from "../lib/address.js";
import { attribute, element, text } from "../lib/dom.js";
import { anyChosen, chosen, SEVERITIES } from "./preferences.js";
import { play, allowSound, soundState } from "./sound.js";
import { severity as words } from "./words.js";

const TOLD = "alarms-told";
/** Dispatched on the document after an alarm was told: `detail` says which and how. */
export const TELLS = "alarm-told";

/** Follow the stream for as long as the page is open; `badge` is the alarms' place in the header. */
export function startTelling(stream, badge) {
  const allow = element("button", { type: "button", class: "quiet allow-sound", hidden: true, click: () => allowSound().then(show) }, "♪ Allow sound");
  badge.after(allow);
  const show = () => attribute(allow, "hidden", anyChosen("sound") && soundState() !== "running" ? null : "");
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => { if (anyChosen("sound")) void allowSound().then(show); }, { capture: true });
  }
  let busy = false;
  stream.addEventListener("state", async () => {
    show();
    if (busy || !stream.state.alarms.judged) return;
    busy = true;
    try {
      await told(stream.state.alarms.calling);
    } finally {
      busy = false;
    }
  });
}

/** Tell of the alarms that are new; of several, the sound is that of the worst. */
async function told(calling) {
  const fresh = await claim(calling);
  for (const alarm of fresh) if (chosen(alarm.severity, "notification")) notify(alarm);
  const loud = SEVERITIES.find((each) => chosen(each, "sound") && fresh.some(({ severity }) => severity === each));
  if (loud && await play(loud)) say(fresh.find(({ severity }) => severity === loud), "sound");
}

/** Return the alarms that no page of this browser has told yet, and note that this page tells them. */
function claim(calling) {
  const work = () => {
    const newest = Math.max(0, ...calling.map(({ id }) => id));
    const stored = localStorage.getItem(TOLD);
    const before = stored === null ? newest : Number(stored); // at the first visit nothing is new
    if (stored === null || newest > before) localStorage.setItem(TOLD, String(newest));
    return calling.filter((alarm) => alarm.id > before && alarm.cleared_unix_s === null && alarm.acknowledged_unix_s === null);
  };
  return navigator.locks ? navigator.locks.request(TOLD, work) : work(); // without TLS there are no locks
}

function notify(alarm) {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const shown = new Notification(`${words(alarm.severity)}: ${alarm.title}${alarm.substation_id ? `, ${alarm.substation_id}` : ""}`, {
      body: `${alarm.said}. ${alarm.action}`, tag: `alarm-${alarm.id}`, requireInteraction: alarm.severity === "critical",
    });
    shown.addEventListener("show", () => say(alarm, "notification"));
    shown.addEventListener("click", () => {
      window.focus();
      location.assign(at("/alarms"));
    });
  } catch {
    // Some telephones show notifications only through a service worker, which this console has not: the settings say so.
  }
}

function say(alarm, way) {
  document.dispatchEvent(new CustomEvent(TELLS, { detail: { alarm, way } }));
}
