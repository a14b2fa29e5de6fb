// The wall mode of the overview: larger type and no controls, for a screen that nobody sits at. `?wall=1` opens it.

import { attribute, text } from "../lib/dom.js";

/** Let `button` turn the wall mode on and off; it stays visible in it. */
export function followWall(button, view) {
  const show = () => {
    const on = view.get("wall") === "1";
    attribute(document.documentElement, "data-wall", on ? "" : null);
    text(button, on ? "Leave the wall mode" : "Wall mode");
    button.setAttribute("aria-pressed", String(on));
  };
  button.addEventListener("click", async () => {
    const on = view.get("wall") !== "1";
    view.set({ wall: on ? "1" : "" });
    if (on) await document.documentElement.requestFullscreen?.().catch(() => {}); // a browser may refuse; the page is large all the same
    else if (document.fullscreenElement) await document.exitFullscreen();
  });
  document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement && view.get("wall") === "1") view.set({ wall: "" }); });
  view.addEventListener("change", show);
  show();
}
