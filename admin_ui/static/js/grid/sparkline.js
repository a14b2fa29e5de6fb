// A quarter of an hour of load as a small line below its limit; gaps stay gaps.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 28;
const SPAN = 89; // from the first of 90 means to the last

/** Return a sparkline and the function that shows [loads, limits] on it. */
export function sparkline() {
  const picture = svg("svg", { viewBox: `0 0 ${SPAN} ${HEIGHT}`, preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" });
  const limit = svg("path", { class: "spark-limit" });
  const load = svg("path", { class: "spark-load" });
  picture.append(limit, load);
  return [picture, ([loads, limits]) => {
    const most = Math.max(1, ...loads, ...limits) * 1.05;
    set(load, path(loads, most));
    set(limit, path(limits, most));
  }];
}

function path(values, most) {
  let drawn = "";
  let pen = "M";
  values.forEach((value, at) => {
    if (value === null) {
      pen = "M";
      return;
    }
    drawn += `${pen}${at} ${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`;
    if (pen === "M") drawn += "h.01"; // a single mean is visible too
    pen = "L";
  });
  return drawn;
}

function set(node, drawn) {
  if (node.getAttribute("d") !== drawn) node.setAttribute("d", drawn);
}

function svg(name, properties) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) node.setAttribute(key, value);
  return node;
}
