// Leads to the login page after a login has expired, and back afterwards.

import { at } from "../lib/address.js";

/** Go to the login page, which leads back to this page in its present view. */
export function toLogin() {
  const here = location.pathname + location.search + location.hash;
  location.assign(at(`/login?next=${encodeURIComponent(here)}`));
}
