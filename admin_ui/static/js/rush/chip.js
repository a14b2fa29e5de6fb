// The rush hour in a line, for other pages: the button that starts it, its state, and a separate button to stop it.

import { acts } from "/static/js/lib/connection.js";
import { attribute, element, text } from "/static/js/lib/dom.js";
import { Countdown } from "/static/js/lib/countdown.js";
import { goesOn, headline, showStart, start } from "/static/js/rush/control.js";
import { showStop, stopButton } from "/static/js/rush/stop_dialog.js";

/** Show it in `place`; `stream` has the state. */
export function rushButton(place, stream) {
  const operator = document.body.dataset.role === "operator";
  const state = element("a", { href: "/rush-hour" }, "Rush hour"); // until its state is known
  const fault = element("p", { class: "rush-chip-fault", role: "alert" });
  let asking = false;
  const press = async () => {
    if (asking || goesOn(stream.state?.rush.run)) return;
    asking = true;
    text(fault, "");
    show();
    text(fault, await start({}));
    asking = false;
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
    const running = goesOn(run);
    const [shape, words] = headline(rush);
    const leftS = running ? Math.ceil(countdown.leftS(run.eta_s)) : 0;
    const left = leftS ? `, ${leftS} s left` : "";
    text(state, `${shape} ${words}${left}`.trim());
    if (!button) return;
    showStart(button, run, asking);
    showStop(stop, run);
    attribute(button, "hidden", !running && Boolean(elsewhere));
  };
  stream.addEventListener("state", show);
  setInterval(show, 1000); // the time goes on between two messages
}
