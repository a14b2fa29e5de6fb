// Starts the page that the body names, and keeps the state of the link in sight.

import { follow } from "/static/js/link.js";
import { toLogin } from "/static/js/logged_in.js";
import { Stream } from "/static/js/stream.js";
import { start as startBadge } from "/static/js/widgets/alarm_badge.js";

const linkState = document.getElementById("link-state");

if (linkState) {
  const stream = new Stream();
  const page = await import(`/static/js/pages/${document.body.dataset.page}.js`).catch(() => null);
  follow(stream, linkState);
  startBadge(stream);
  stream.addEventListener("ended", toLogin);
  // Who logs out goes where the form leads, and not back here after the next login.
  document.querySelector("form.logout")?.addEventListener("submit", () => stream.removeEventListener("ended", toLogin));
  page?.start(stream);
  stream.open();
}
