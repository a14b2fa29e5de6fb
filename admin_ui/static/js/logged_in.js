// Whether the login still lasts, and the way back to where one was when it does not.

/** Go to the login, and after it back to this page as it is now. */
export function toLogin() {
  const here = location.pathname + location.search + location.hash;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

/** Go to the login if the console says that this browser is not logged in. */
export async function askIfLoggedIn() {
  const answer = await fetch("/api/me").catch(() => null);
  if (answer?.status === 401) toLogin();
}
