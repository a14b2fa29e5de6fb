// The page of the rush hour.

import { StartForm } from "./start_form.js";
import { RushLoads } from "./loads.js";
import { RushRun } from "./run.js";
import { RushRuns } from "./runs.js";
import { inProgress } from "./control.js";
import { stopButton } from "./stop_dialog.js";
import { showRefusals } from "../lib/refusals.js";
import { View } from "../lib/view.js";

const AGAIN_MS = 1000;
const TRIES = 20;

/** Fill the page from the stream. */
export function start(stream) {
  const form = byId("rush-form");
  const control = form ? new StartForm(form, byId("rush-fault")) : null;
  const stop = form ? stopButton(stream, () => control.start) : null;
  const run = new RushRun(byId("rush-run"), byId("rush-announced"), stop);
  const loads = new RushLoads(byId("rush-loads"));
  const runs = new RushRuns(byId("rush-runs"), new View());
  let listed = "";
  let going = null;
  let ending = null; // a run from elsewhere, which writes its result after it has released the grid
  let tries = 0;

  const show = () => {
    const { gateway, rush, substations } = stream.state;
    showRefusals(byId("rush-refusals"), gateway);
    control?.update(rush);
    run.update(rush, runs.find(rush.run?.run_id));
    loads.update(substations);
    const key = `${inProgress(rush.run) ? `${rush.run.run_id} ${rush.run.sent !== null}` : ""} ${rush.elsewhere} ${rush.ended}`;
    if (key !== listed) {
      listed = key;
      [ending, tries] = [rush.elsewhere ? null : going, TRIES];
      going = rush.elsewhere;
      runs.load(inProgress(rush.run) ? rush.run.run_id : going ?? ending);
    }
  };
  stream.addEventListener("state", show);
  runs.addEventListener("change", () => {
    show();
    if (!ending || runs.find(ending)?.verdict !== "no end") return;
    tries -= 1;
    const last = tries <= 0;
    setTimeout(() => runs.load(last ? null : ending), AGAIN_MS);
    if (last) ending = null;
  });
}

function byId(id) {
  return document.getElementById(id);
}
