// The way to the login when it is over, and back.

/** Go to the login, and after it back to this page as it is now. */
export function toLogin() {
  const here = location.pathname + location.search + location.hash;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}
