"""Waits until every service is ready, then says how to use the grid; started by supervisord."""

import json
import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from admin_ui.people import one_time_link
from admin_ui.settings import Settings
from deploy.local.addresses import DEFAULT_PORTS, LOOPBACK
from runtime.probe import contexts, fetch
from runtime.settings import load

PAUSE_S = 0.1
SAY_EVERY_S = 5.0
KEY = "YOUR-KEY"  # only its digest is known


def main() -> None:
    """Print what is waited for every few seconds, then the ways in."""
    urls = json.loads(os.environ["GRID_URLS"])
    settings = load(Settings, os.environ)
    tls = own_files()
    began = said = time.monotonic()
    everywhere = [*urls["substations"], *urls["balancers"], *urls["gateways"], settings.url]
    while waiting := [url for url in everywhere if not ready(url, tls)] or unseen(urls, tls):
        if time.monotonic() - said > SAY_EVERY_S:
            said = time.monotonic()
            print(f"Waiting for {', '.join(waiting)}: see the logs in {settings.data}/log", flush=True)
        time.sleep(PAUSE_S)
    # Links work only on loopback.
    console = one_time_link.url(settings.data, settings.url) if settings.on_loopback else settings.url
    print(ways_in(urls, console, time.monotonic() - began, tls), flush=True)


def own_files() -> dict[str, str]:
    """Return the variables that name the files of a person at a terminal; none without TLS."""
    folder = os.environ.get("GRID_TLS")
    return {
        name: f"{folder}/operator/{file}.pem"
        for name, file in (("TLS_CA", "ca"), ("TLS_CERT", "cert"), ("TLS_KEY", "key"))
        if folder
    }


def ready(url: str, tls: Mapping[str, str]) -> bool:
    """Whether the service at `url` is ready."""
    return page(f"{url}/readyz", tls) is not None


def unseen(urls: Mapping[str, list[str]], tls: Mapping[str, str]) -> list[str]:
    """Return the substations that the balancer does not call healthy yet."""
    healthy = {member["url"] for member in members(urls, tls) if member["state"] == "healthy"}
    return [url for url in urls["substations"] if url not in healthy]


def members(urls: Mapping[str, object], tls: Mapping[str, str]) -> list[dict[str, object]]:
    """Return what the balancer says of each substation."""
    found = json.loads(page(f"{urls['balancer']}/fleet", tls) or b'{"substations": []}')["substations"]
    return list(found)


def page(url: str, tls: Mapping[str, str]) -> bytes | None:
    """Return the page, None when there is no answer or no success."""
    try:
        return fetch(url, timeout_s=1.0, tls=next(contexts(tls, checked=False)))
    except OSError:
        return None


def ways_in(urls: Mapping[str, object], console: str, took_s: float, tls: Mapping[str, str]) -> str:
    """Return what to do next."""
    fleet = members(urls, tls)
    trust = f"--cacert {shlex.quote(tls['TLS_CA'])} " if tls else ""
    shown = f"--cert {shlex.quote(tls['TLS_CERT'])} --key {shlex.quote(tls['TLS_KEY'])} " if tls else ""
    capacity_kw = sum(float(str(member["capacity_kw"])) for member in fleet)
    sessions = sum(int(str(member["sessions"])) for member in fleet)
    resumed = f", {sessions} sessions going on" if sessions else ""
    bearer = f"-H 'Authorization: Bearer {KEY}' " if os.environ.get("API_KEYS") else ""
    return f"""
The grid runs (ready in {took_s:.1f} s): {len(fleet)} substations, {capacity_kw:,.0f} kW in all{resumed}.

  the console     {console}
  charge a car    curl -i {trust}{urls["gateway"]}/charge {bearer}-H 'Content-Type: application/json' -d '{{"vehicle_id": "EV-1"}}'
  rush hour       {" ".join([*elsewhere(urls, tls), "make rush-hour"])}
  see the load    curl {trust}{shown}{urls["balancer"]}/fleet
  the API         {urls["gateway"]}/
  prometheus      {os.environ.get("GRID_PROMETHEUS_NOTE", "")}
  logs            {os.environ["DATA_DIR"]}/log
  end it          Ctrl-C
"""


def elsewhere(urls: Mapping[str, object], tls: Mapping[str, str]) -> list[str]:
    """Return the variables that a rush hour in another terminal needs to find this grid and the console's runs."""
    usual = {
        "GATEWAY_URL": f"http://{LOOPBACK}:{DEFAULT_PORTS['GATEWAY_PORT']}",
        "BALANCER_URL": f"http://{LOOPBACK}:{DEFAULT_PORTS['BALANCER_PORT']}",
        "RUNS_DIR": str(Path(os.environ["GRID_ROOT"]) / "data" / "runs"),
    }
    found = {
        "GATEWAY_URL": str(urls["gateway"]),
        "BALANCER_URL": str(urls["balancer"]),
        "RUNS_DIR": os.environ["RUNS_DIR"],
        **tls,
    }
    if token := os.environ.get("OPERATOR_TOKEN_FILE"):
        found["OPERATOR_TOKEN_FILE"] = str(Path(os.environ["GRID_ROOT"]) / token)
    if os.environ.get("API_KEYS"):
        found["API_KEY"] = KEY
    found["LOADTEST_TARGETS"] = os.environ.get("LOADTEST_TARGETS") or ""
    return [f"{name}={shlex.quote(value)}" for name, value in found.items() if value != usual.get(name, "")]


if __name__ == "__main__":
    main()
