// The decisions page: the live feed, and the story of a vehicle or session.

import { DecisionFeed } from "./feed.js";
import { attribute } from "../lib/dom.js";
import { Story } from "./story.js";
import { View } from "../lib/view.js";

const SESSION = /^[a-z0-9][a-z0-9-]{0,62}\.[0-9a-f]{16}$/;
const byId = (id) => document.getElementById(id);

/** Fill the page. `stream` knows the substations. */
export function start(stream) {
  const view = new View();
  const feed = new DecisionFeed(byId("feed"), view);
  stream.addEventListener("state", () => {
    const { substations, policies, balancers } = stream.state;
    feed.offer(substations.map((row) => row.substation_id), policies, balancers.map((row) => row.name));
    story.several(balancers.length > 0);
  });
  const story = new Story(byId("story"));
  const search = byId("wanted");
  let shown = "";
  const show = () => {
    const [vehicle, session] = [view.get("vehicle_id"), view.get("session_id")];
    const wanted = session ? { session_id: session } : vehicle ? { vehicle_id: vehicle } : null;
    if (wanted || shown) search.value = session || vehicle; // otherwise keep what the user typed before this script ran
    attribute(byId("live"), "hidden", wanted ? "" : null);
    attribute(byId("back"), "hidden", wanted ? null : "");
    feed.run(!wanted);
    if (JSON.stringify(wanted) !== shown) story.show(wanted);
    shown = JSON.stringify(wanted);
  };
  const find = (id) => {
    const [session, vehicle] = SESSION.test(id) ? [id, ""] : ["", id];
    view.set({ find: "", session_id: session, vehicle_id: vehicle }, { step: true });
    if (id) story.focus();
  };
  view.addEventListener("change", show);
  byId("find").addEventListener("submit", (event) => {
    event.preventDefault();
    find(search.value.trim());
  });
  byId("back").addEventListener("click", () => {
    find("");
    search.focus();
  });
  if (view.get("find")) find(view.get("find").trim()); // submitted before this script ran
  else show();
}
