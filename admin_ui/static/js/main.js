// Starts the page that the body names, and keeps the state of the link in sight.

import { element } from "/static/js/dom.js";
import { follow } from "/static/js/link.js";
import { toLogin } from "/static/js/logged_in.js";
import { Stream } from "/static/js/stream.js";
import { start as startBadge } from "/static/js/widgets/alarm_badge.js";

/** Say that a part of the page's scripts is not there. */
function lacking() {
  document.getElementById("main").prepend(element(
    "p", { class: "notice", role: "alert" }, "✕ A part of this page did not load. ", element("a", { href: "" }, "Reload the page"), ".",
  ));
}

const linkState = document.getElementById("link-state");

if (linkState) {
  const stream = new Stream();
  // The pages of the navigation have a script each; others, such as a runbook, have none.
  const scripted = document.querySelector("nav [data-nav][aria-current]");
  const page = scripted ? await import(`/static/js/pages/${document.body.dataset.page}.js`).catch(() => null) : null;
  follow(stream, linkState);
  if (scripted && !page) lacking();
  startBadge(stream);
  stream.addEventListener("ended", toLogin);
  // Who logs out goes where the form leads, and not back here after the next login.
  document.querySelector("form.logout")?.addEventListener("submit", () => stream.removeEventListener("ended", toLogin));
  page?.start(stream);
  stream.open();
}
