// The alarms in the header and the title of every page. Screen readers announce each new critical alarm once.

import { attribute, element, text } from "../lib/dom.js";
import { startTelling } from "./tell.js";
import { NONE, summary } from "./words.js";

const ANNOUNCED = "alarms-said"; // ids that were announced in this tab, kept from page to page

/** Follow the stream for as long as the page is open. */
export function start(stream) {
  const badge = document.getElementById("alarm-badge");
  const says = document.getElementById("alarm-says");
  const title = document.title;
  const show = () => {
    if (!stream.state?.alarms.judged) {
      text(badge, stream.live ? "? Checking for alarms" : "? Alarms unknown");
      attribute(badge, "data-worst", "unknown");
      return;
    }
    const { parts, worst } = summary(stream.state.alarms.counts);
    const unseen = !stream.live || stream.state.link.stale; // while the console has no current data, there may be more
    say(badge, !unseen ? parts : parts.length === 1 && parts[0] === NONE ? ["? Alarms unknown"] : [...parts, "? others unknown"]);
    attribute(badge, "data-worst", unseen && !worst ? "unknown" : worst);
    if (!stream.live) return;
    const { critical, warning } = stream.state.alarms.counts;
    const wanted = critical + warning ? `(${critical + warning}) ${title}` : title;
    if (document.title !== wanted) document.title = wanted;
    const fresh = unannounced(stream.state.alarms.calling);
    if (fresh.length) says.textContent = sentence(fresh);
  };
  stream.addEventListener("state", show);
  stream.addEventListener("link", show);
  startTelling(stream, badge);
}

/** Show the parts; on a phone the first in words, the others as shape and number (badge.css). */
export function say(badge, parts) {
  if (badge.textContent === parts.join(" · ")) return;
  badge.replaceChildren(...parts.map((each, at) => {
    const [, short, rest] = each.match(at ? /^(■.*|[▲○] \d+|\?)?(.*)$/u : /^([^,]*)(.*)$/u);
    return element("span", { "data-short": short ? "" : null }, `${at ? " · " : ""}${short ?? ""}`, element("span", { class: "rest" }, rest));
  }));
}

function unannounced(alarms) {
  const calling = alarms.filter((alarm) => alarm.severity === "critical" && alarm.cleared_unix_s === null
    && alarm.acknowledged_unix_s === null);
  const announced = new Set(JSON.parse(sessionStorage.getItem(ANNOUNCED) ?? "[]"));
  const fresh = calling.filter((alarm) => !announced.has(alarm.id));
  if (fresh.length || announced.size !== calling.length) {
    sessionStorage.setItem(ANNOUNCED, JSON.stringify(calling.map((alarm) => alarm.id)));
  }
  return fresh;
}

function sentence(alarms) {
  const first = alarms.slice(0, 3).map((alarm) => `${alarm.title}${alarm.substation_id ? `, ${alarm.substation_id}` : ""}`);
  const more = alarms.length > first.length ? `, and ${alarms.length - first.length} more` : "";
  return `Critical: ${first.join("; ")}${more}.`;
}
