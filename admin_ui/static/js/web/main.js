// Starts the script of the page that the body names, and shows the state of the connection in the header.

import { start as startBadge } from "../alarms/badge.js";
import { followConnection } from "../lib/connection.js";
import { element } from "../lib/dom.js";
import { startKeys } from "../lib/keys.js";
import { Stream } from "../lib/stream.js";
import { toLogin } from "../people/login.js";
import { presence } from "../people/presence.js";

// The pages of the navigation have a script each; others, such as a runbook, have none.
const SCRIPTS = {
  overview: "../grid/page.js",
  sessions: "../sessions/page.js",
  ended: "../sessions/ended.js",
  rush: "../rush/page.js",
  decisions: "../decisions/page.js",
  alarms: "../alarms/page.js",
  audit: "../audit/page.js",
  people: "../people/page.js",
};

/** Show that the script of this page could not be loaded. */
function showMissingScript() {
  document.getElementById("main").prepend(element(
    "p", { class: "notice", role: "alert" }, "✕ Part of this page did not load. ", element("a", { href: "" }, "Reload the page"), ".",
  ));
}

const connectionState = document.getElementById("link-state");

if (connectionState) {
  const stream = new Stream();
  const script = document.querySelector("nav [data-nav][aria-current]") ? SCRIPTS[document.body.dataset.page] : null;
  const page = script ? await import(script).catch(() => null) : null;
  followConnection(stream, connectionState);
  if (script && !page) showMissingScript();
  startBadge(stream);
  startKeys();
  presence.follow(stream, document.getElementById("present"));
  stream.addEventListener("ended", toLogin);
  // A form leads on by itself, and a logout or a new password ends this login: what comes next is the form's answer.
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) stream.removeEventListener("ended", toLogin);
  });
  await page?.start(stream);
  stream.open();
}
