// The rush hour in one line, for other pages: its state, and the buttons that start and stop it.

import { acts } from "../lib/connection.js";
import { attribute, element, text } from "../lib/dom.js";
import { Countdown } from "../lib/countdown.js";
import { inProgress, headline, showStart, start } from "./control.js";
import { showStop, stopButton } from "./stop_dialog.js";

/** Show it in `place`; `stream` has the state. */
export function rushButton(place, stream) {
  const operator = document.body.dataset.role !== "viewer";
  const state = element("a", { href: "/rush-hour" }, "Rush hour"); // until its state is known
  const fault = element("p", { class: "rush-chip-fault", role: "alert" });
  let pending = false;
  const press = async () => {
    if (pending || inProgress(stream.state?.rush.run)) return;
    pending = true;
    text(fault, "");
    show();
    text(fault, await start({}));
    pending = false;
    show();
  };
  const button = operator ? acts(element("button", { type: "button", class: "quiet", click: press }, "Start rush hour")) : null;
  const stop = operator ? stopButton(stream, () => button) : null;
  if (stop) stop.hidden = true;
  place.classList.add("rush-chip");
  if (button) place.append(button);
  place.append(element("p", {}, state), fault);
  if (stop) place.append(stop);

  const countdown = new Countdown();
  const show = () => {
    if (!stream.state) return;
    const { rush } = stream.state;
    const { run, elsewhere } = rush;
    const running = inProgress(run);
    const [shape, words] = headline(rush);
    const leftS = running ? Math.ceil(countdown.leftS(run.eta_s)) : 0;
    const left = leftS ? `, ${leftS} s left` : "";
    text(state, `${shape} ${words}${left}`.trim());
    if (!button) return;
    showStart(button, run, pending);
    showStop(stop, run);
    attribute(button, "hidden", !running && Boolean(elsewhere));
  };
  stream.addEventListener("state", show);
  setInterval(show, 1000); // the countdown continues between two messages
}
