"""Waits until every service is ready, then says how to use the grid; started by supervisord."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from admin_ui import link
from admin_ui.settings import Settings
from runtime.settings import load

PAUSE_S = 0.1
SAY_EVERY_S = 5.0
ANY_CERTIFICATE = ssl._create_unverified_context()  # noqa: S323, SLF001 - only asked whether it is ready
DEFAULT = {"GATEWAY": 8000, "BALANCER": 8001, "CONSOLE": 8080}


def main() -> None:
    """Print what is waited for every few seconds, then the ways in."""
    host, substations = sys.argv[1], sys.argv[2].split(",")
    gateway = f"http://{host}:{os.environ.get('GATEWAY_PORT') or DEFAULT['GATEWAY']}"
    balancer = f"http://{host}:{os.environ.get('BALANCER_PORT') or DEFAULT['BALANCER']}"
    scheme = "https" if os.environ.get("CONSOLE_TLS_CERT") else "http"
    console = f"{scheme}://127.0.0.1:{os.environ.get('CONSOLE_PORT') or DEFAULT['CONSOLE']}"
    began = said = time.monotonic()
    while waiting := [url for url in [*substations, balancer, gateway, console] if not ready(url)] or unseen(
        balancer, substations
    ):
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            print(
                f"Waiting for {', '.join(waiting)}: see the logs in {os.environ['DATA_DIR']}/log", flush=True
            )
        time.sleep(PAUSE_S)
    if load(Settings, os.environ).on_loopback:  # elsewhere it logs nobody in
        console = link.url(Path(os.environ["DATA_DIR"]), console)
    print(ways_in(gateway, balancer, console, substations, time.monotonic() - began), flush=True)


def ready(url: str) -> bool:
    """Whether the service at `url` is ready."""
    return fetch(f"{url}/readyz") is not None


def unseen(balancer: str, substations: list[str]) -> list[str]:
    """Return the substations that the balancer does not call healthy yet."""
    fleet = json.loads(fetch(f"{balancer}/fleet") or b'{"substations": []}')
    healthy = {member["url"] for member in fleet["substations"] if member["state"] == "healthy"}
    return [url for url in substations if url not in healthy]


def fetch(url: str) -> bytes | None:
    """Return the page, None when there is no answer or no success."""
    try:
        with urllib.request.urlopen(url, timeout=1, context=ANY_CERTIFICATE) as answer:  # noqa: S310 - our own services
            return bytes(answer.read())
    except (OSError, urllib.error.URLError):
        return None


def ways_in(gateway: str, balancer: str, console: str, substations: list[str], took_s: float) -> str:
    """Return what to do next."""
    members = json.loads(fetch(f"{balancer}/fleet") or b'{"substations": []}')["substations"]
    capacity_kw = sum(member["capacity_kw"] for member in members)
    sessions = sum(member["sessions"] for member in members)
    urls = {"GATEWAY": gateway, "BALANCER": balancer}
    told = [f"{name}_URL={url} " for name, url in urls.items() if url != f"http://127.0.0.1:{DEFAULT[name]}"]
    resumed = f", {sessions} sessions going on" if sessions else ""
    return f"""
The grid runs (ready in {took_s:.1f} s): {len(substations)} substations, {capacity_kw:,.0f} kW in all{resumed}.

  the console     {console}
  charge a car    curl -i {gateway}/charge -H 'Content-Type: application/json' -d '{{"vehicle_id": "EV-1"}}'
  rush hour       {"".join(told)}make rush-hour
  see the load    curl {balancer}/fleet
  the API         {gateway}/
  logs            {os.environ["DATA_DIR"]}/log
  end it          Ctrl-C
"""


if __name__ == "__main__":
    main()
