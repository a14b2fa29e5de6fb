// Starts the page that the body names, and keeps the state of the link in sight.

import { Stream } from "/static/js/stream.js";
import { text } from "/static/js/dom.js";
import { start as startBadge } from "/static/js/widgets/alarm_badge.js";

const body = document.body;
const linkState = document.getElementById("link-state");

if (linkState) {
  const stream = new Stream();
  const page = await import(`/static/js/pages/${body.dataset.page}.js`).catch(() => null);
  const say = () => {
    const behind = stream.state && stream.state.link.stale;
    const state = !stream.live ? "lost" : behind ? "lost" : "live";
    body.dataset.link = state;
    linkState.dataset.state = state;
    if (!stream.live) text(linkState, "✕ Connection lost: figures are old. Trying again.");
    else if (behind) text(linkState, "✕ The balancer does not answer: figures are old.");
    else text(linkState, "Live");
  };
  stream.addEventListener("link", say);
  stream.addEventListener("state", say);
  startBadge(stream);
  page?.start(stream);
  stream.open();
}
