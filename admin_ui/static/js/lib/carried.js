// What a substation or the fleet carries: cars and base load. The limit is for both.

/** Return it in kW; a row of an earlier balancer has no base load. */
export function carried(row) {
  return row.load_kw + (row.base_load_kw ?? 0);
}

/** Return what it is made of, in words; "" where only cars are carried. */
export function parts(row, kw) {
  return row.base_load_kw ? `cars ${kw(row.load_kw)}, base load ${kw(row.base_load_kw)}` : "";
}
