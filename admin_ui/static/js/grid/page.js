// The overview: the fleet's totals, charts, and every substation.

import { attribute, text } from "../lib/dom.js";
import { ActiveAlarms, OrdersList } from "./recent.js";
import { History } from "./history.js";
import * as grafana from "../lib/grafana.js";
import { showPolicy } from "./policy.js";
import { Announcer, EmptyNotice, gaps, leftOut, listed, nothingToShow } from "./notices.js";
import { OverviewCharts, chartsButton } from "./charts.js";
import { NewestOrders } from "../orders/newest.js";
import { OrdersInForce } from "../orders/in_force.js";
import { figures } from "./leading.js";
import { marks } from "./marks.js";
import { rushButton } from "../rush/chip.js";
import { SubstationTable } from "./table.js";
import { abnormal } from "../lib/conditions.js";
import { View } from "../lib/view.js";
import { clock } from "../lib/format.js";
import { followWall } from "./wall.js";

const SPAN_S = "300"; // of the charts

/** Fill the page from the stream. It must not be opened before this is done. */
export async function start(stream) {
  rushButton(byId("rush-button"), stream);
  const view = new View();
  const history = new History(stream);
  const orders = new NewestOrders(stream);
  const inForce = new OrdersInForce(stream, () => [view.get("substation"), ...table.ids]);
  const table = new SubstationTable(byId("substations"), stream, history, view, inForce);
  const charts = new OverviewCharts(
    byId("charts"), history,
    { marks: () => marks(stream.state, orders), totals: () => (stream.live ? stream.state?.totals : null), zoomed: ([from, to]) => view.set({ from, to }, { step: true }) },
  );
  const balancers = balancerTable();
  const panel = await details(view, stream, (module) => new module.SubstationPanel(byId("substation"), stream, history, view, table, inForce));
  const notice = new EmptyNotice(byId("nothing"), () => view.set({ q: "", abnormal: "", page: "" }));
  const announcer = new Announcer(byId("announced"));
  showPolicy(byId("policy"), stream);
  const alarms = new ActiveAlarms(byId("alarms"));
  new OrdersList(byId("orders"), orders);
  followWall(byId("wall"), view);
  const totals = figures(byId("totals"));
  const controls = filters(view);
  const inGrafana = grafana.link(grafana.newest(SPAN_S), "load and limit");
  byId("grafana").append(inGrafana ?? "");

  const diagram = diagramView(view, stream, table);
  const chart = () => {
    if (diagram.shown()) return;
    const all = view.get("charts") === "all";
    const zoom = zoomed(view);
    charts.show(table.ids, all, Number(view.get("span", SPAN_S)), zoom);
    attribute(byId("live"), "hidden", !zoom);
    grafana.show(inGrafana, zoom ? zoom.map((second) => second * 1000) : grafana.newest(view.get("span", SPAN_S)));
    chartsButton(byId("more-charts"), all, table.found);
  };
  const show = () => {
    const { state } = stream;
    totals(state);
    alarms.update(state, stream.live);
    text(byId("left-out"), leftOut(state.totals));
    attribute(byId("left-out"), "hidden", !byId("left-out").textContent);
    table.update();
    diagram.update();
    panel.update();
    balancers.update(state.balancers);
    controls(state);
    const filtered = Boolean(view.get("q") || view.get("abnormal"));
    notice.show(nothingToShow(state, document.body.dataset.balancer, table.found, view.get("abnormal") === "1" && !view.get("q")), filtered);
    attribute(byId("board"), "data-empty", state.substations.length ? null : "");
    text(byId("grid-time"), gridTime(state.substations));
    text(byId("gaps"), gaps(state.outages));
    attribute(byId("gaps"), "hidden", !state.outages.length);
    if (stream.live && !state.link.stale) announcer.update(state.substations);
  };
  let [waiting, first] = [false, true];
  stream.addEventListener("state", () => {
    if (first) show(); // before the page is visible
    first = false;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      show();
    });
  });
  history.addEventListener("second", () => {
    text(byId("clock"), clock(Date.now()));
    if (!stream.live && stream.state) show(); // ages increase
  });
  table.addEventListener("change", chart);
  view.addEventListener("change", chart);
  new ResizeObserver(chart).observe(byId("charts"));
  byId("live").addEventListener("click", () => { view.set({ from: "", to: "" }); byId("span").focus(); });
  byId("more-charts").addEventListener("click", () => view.set({ charts: view.get("charts") === "all" ? "" : "all" }));
}

/** Return the details of the substation that the view names; their scripts are loaded when one is named. */
async function details(view, stream, make) {
  let [panel, asked] = [null, false];
  const load = async () => {
    if (asked || !view.get("substation")) return;
    asked = true;
    const module = await import("./substation_panel.js").catch(() => null);
    asked = Boolean(module); // else it is asked for again with the next change
    panel = module ? make(module) : null;
    if (stream.state) panel?.update(); // else with the first state: what is not visible yet takes no focus
  };
  view.addEventListener("change", () => void load());
  await load();
  return { update: () => panel?.update() };
}

/** Return what shows the balancers; its script is loaded when there are several. */
function balancerTable() {
  let [table, asked, newest] = [null, false, []];
  const load = async () => {
    asked = true;
    const module = await import("./balancers.js").catch(() => null);
    asked = Boolean(module); // else it is asked for again with the next state
    table = module ? new module.BalancerTable(byId("balancers-table")) : null;
    table?.update(newest);
  };
  return {
    update: (found) => {
      newest = found;
      attribute(byId("balancers"), "hidden", found.length ? null : "");
      table?.update(found);
      if (found.length && !asked) void load();
    },
  };
}

/** Wire the switch between chart and one-line diagram, whose script is loaded when it is wanted. */
function diagramView(view, stream, table) {
  let drawing = null;
  const shown = () => view.get("view") === "diagram";
  const update = () => { if (shown() && stream.state) drawing?.update(stream.state, table.ids); };
  const read = async () => {
    const on = shown();
    attribute(byId("charts-of-grid"), "hidden", on);
    attribute(byId("diagram"), "hidden", !on);
    attribute(byId("chart-controls"), "hidden", on);
    text(byId("charts-title"), on ? "One-line diagram" : "Load and limit");
    text(byId("as-diagram"), on ? "Chart" : "One-line diagram");
    if (!on || drawing) {
      update();
      return;
    }
    const module = await import("./one_line.js").catch(() => null);
    if (!module) return;
    drawing ??= new module.OneLine(byId("diagram"), { href: (name) => view.with({ substation: name }), open: (name) => view.set({ substation: name }, { step: true }) });
    update();
  };
  byId("as-diagram").addEventListener("click", () => view.set({ view: shown() ? "" : "diagram" }, { step: true }));
  view.addEventListener("change", () => void read());
  new ResizeObserver(update).observe(byId("diagram"));
  table.addEventListener("change", update);
  void read();
  return { shown, update };
}

/** Wire the search and the filters; returns the function that updates their counts. */
function filters(view) {
  const search = byId("search");
  const only = byId("abnormal");
  const span = byId("span");
  const read = () => {
    if (search.value !== view.get("q")) search.value = view.get("q");
    only.checked = view.get("abnormal") === "1";
    span.value = view.get("span", SPAN_S);
    if (!span.value) span.value = SPAN_S; // a slip of the address
  };
  if (search.value && !view.get("q")) view.set({ q: search.value }); // the user typed before this script ran
  read();
  view.addEventListener("change", read);
  search.addEventListener("input", () => view.set({ q: search.value, page: "" }));
  only.addEventListener("change", () => view.set({ abnormal: only.checked ? "1" : "", page: "" }));
  span.addEventListener("change", () => view.set({ span: span.value === SPAN_S ? "" : span.value, from: "", to: "" }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  return (state) => {
    text(byId("abnormal-count"), state.substations.filter(abnormal).length);
    attribute(byId("unseen"), "hidden", !state.unseen?.length || !state.substations.length);
    text(byId("unseen"), state.unseen?.length ? `◇ No substation has answered yet at ${listed(state.unseen)}. Check that it is running.` : "");
  };
}

/** Return the unix seconds that the charts are zoomed to, [from, to]; null where they follow the time. */
function zoomed(view) {
  const [from, to] = [Number(view.get("from")), Number(view.get("to"))];
  return from > 0 && to > from ? [from, to] : null;
}

/** Return the time of day by the grid's clock, which a base load follows; "" where there is none. */
function gridTime(substations) {
  const found = substations.find((row) => row.grid_time);
  return found ? `Grid clock: ${found.grid_time}` : "";
}

function byId(id) {
  return document.getElementById(id);
}
