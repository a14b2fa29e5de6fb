// The table of decisions: one row each, in aligned columns. Narrow pages show a row as a block, so roles are named.

import { element } from "../lib/dom.js";

/** The columns: title, class, whether its figures are aligned to the right. That of the balancer is shown where there are several. */
export const COLUMNS = [
  ["Time", "time"], ["Vehicle", "vehicle"], ["Power", "power", true], ["Result", "result"], ["Substation", "substation"],
  ["Of its limit", "share", true], ["Policy", "by-policy"], ["Balancer", "of-balancer"], ["Why, where unusual", "why"], ["Candidates", "more"],
];

/** Return a table with this name, and its body. */
export function decisionTable(name, why = "Why, where unusual") {
  const body = element("tbody", { role: "rowgroup" });
  const heads = COLUMNS.map(([title, kind, number]) => element("th", { scope: "col", role: "columnheader", class: `${kind}${number ? " number" : ""}` }, kind === "why" ? why : title));
  const table = element(
    "table", { class: "decisions", role: "table", "aria-label": name },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)), body,
  );
  return [table, body];
}
