// The page of the rush hour.

import { RushControl } from "/static/js/rush_control.js";
import { RushLoads } from "/static/js/rush_loads.js";
import { RushRun } from "/static/js/rush_run.js";
import { RushRuns } from "/static/js/rush_runs.js";
import { goesOn } from "/static/js/rush.js";
import { View } from "/static/js/view.js";

/** Fill the page from the stream. */
export function start(stream) {
  const form = byId("rush-form");
  const control = form ? new RushControl(form, byId("rush-fault")) : null;
  const run = new RushRun(byId("rush-run"), byId("rush-announced"));
  const loads = new RushLoads(byId("rush-loads"));
  const runs = new RushRuns(byId("rush-runs"), new View());
  let listed = "";

  const show = () => {
    const { rush, substations } = stream.state;
    control?.update(rush);
    run.update(rush, runs.find(rush.run?.run_id));
    loads.update(substations);
    const going = goesOn(rush.run) ? rush.run.run_id : rush.elsewhere;
    const seen = `${going} ${rush.ended}`;
    if (seen !== listed) {
      listed = seen;
      runs.load(going);
    }
  };
  stream.addEventListener("state", show);
  runs.addEventListener("change", show);
}

function byId(id) {
  return document.getElementById(id);
}
