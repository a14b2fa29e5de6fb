"""Runs the whole grid on this machine: checks, writes supervisord's configuration, and becomes it.

`make run` calls it. Everything is settable by the environment variables of the services; besides
those, GRID_SUBSTATIONS says how many substations there are, GATEWAY_PROCESSES how many gateways share one port, and
BALANCERS how many balancers share the order book of ORDER_BOOK.
"""

import configparser
import datetime as dt
import fcntl
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from deploy.local import addresses, prometheus, supervision
from loadtest.send.target import refusal
from runtime.settings import local_url

ROOT = Path(__file__).resolve().parents[2]
TAKEN, UNUSABLE = 1, 2  # exit codes
TLS_FOLDER = "tls"  # in the data folder
BASE_LOAD, BASE_LOAD_KW, CAPACITY_KW = "sample", "200", "1600"
IN_USE = """A grid is already running on the data in {data} ({owner}).
Stop it, or choose another folder with DATA_DIR and other ports (docs/how-to/other-ports-and-capacities.md).
"""


def main() -> None:
    """Start the grid in the foreground; ends with 1 when a port or the data folder is taken, with 2 on bad settings."""
    os.chdir(ROOT)
    try:
        ports = addresses.service_ports(os.environ)
        addresses.whole(os.environ, "PROMETHEUS_PORT", addresses.PROMETHEUS_PORT, addresses.HIGHEST_PORT, 0)
    except ValueError as error:
        stop(f"The grid can't start:\n{error}\n", UNUSABLE)
    data = Path(os.environ.get("DATA_DIR") or "data").absolute()
    try:
        (data / "log").mkdir(parents=True, exist_ok=True)
        take(data)
    except OSError as error:
        stop(f"The grid can't start: its data folder can't be used (DATA_DIR): {error}\n", UNUSABLE)
    binds = addresses.listening_on(os.environ)
    listeners = {
        port: binds["CONSOLE_BIND" if name == "CONSOLE_PORT" else "BIND"] for name, port in ports.items()
    }
    if taken := addresses.taken_ports(listeners):
        lines = [f"Port {port} is taken{owner}.\n" for port, owner in taken.items()]
        stop(
            "".join([*lines, "Stop what uses it, or choose other ports (docs/reference/settings.md).\n"]),
            TAKEN,
        )
    scheme = certificates(data, ports) if wants_tls(os.environ) else "http"
    config = supervision.configuration(ports, binds["BIND"], scheme)
    note = add_prometheus(config, data, ports, binds)
    with (data / "supervisord.conf").open("w", encoding="utf-8") as file:
        config.write(file)
    become(data, environment(data, ports, binds["BIND"], scheme) | {"GRID_PROMETHEUS_NOTE": note})


def wants_tls(environ: Mapping[str, str]) -> bool:
    """Whether TLS=on is set; ends with 2 for anything but on and off."""
    wanted = environ.get("TLS") or "off"
    if wanted not in {"on", "off"}:
        stop(f"The grid can't start:\nTLS={wanted!r}: it must be on or off\n", UNUSABLE)
    return wanted == "on"


def certificates(data: Path, ports: Mapping[str, int]) -> str:
    """Make the certificates that are missing or expire soon; returns the scheme of the services' URLs."""
    from deploy.certificates.folder import LOCAL, Wanted, fill  # noqa: PLC0415 - only with TLS

    names = (name.partition(".")[2] for name in ports if name.startswith("SUBSTATION_PORT."))
    allowed = (name.strip() for name in os.environ.get("ALLOWED_HOSTS", "").split(","))
    hosts = (*LOCAL, *filter(None, allowed))
    wanted = Wanted([f"substation-{number}" for number in names], hosts)
    try:
        fill(data / TLS_FOLDER, wanted, dt.datetime.now(dt.UTC))
    except (OSError, ValueError) as error:
        stop(f"The grid can't start: certificates can't be made: {error}\n", UNUSABLE)
    return "https"


def stop(why: str, code: int) -> NoReturn:
    """Print why the grid does not start, and exit."""
    sys.stderr.write(why)
    sys.exit(code)


def take(data: Path) -> None:
    """Lock the data folder for as long as the supervisor of this grid lives; exits with 1 if another grid has it.

    Call it before anything in the folder is changed. Raises OSError when the folder can't be locked.
    """
    lock = os.open(data / "grid.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 100).decode(errors="replace").strip() or "process unknown"
        stop(IN_USE.format(data=data, owner=owner), TAKEN)
    os.ftruncate(lock, 0)
    os.write(lock, f"process {os.getpid()}\n".encode())
    os.set_inheritable(lock, True)  # supervisord, which this process becomes, keeps the lock


def environment(data: Path, ports: Mapping[str, int], bind: str, scheme: str = "http") -> dict[str, str]:
    """Return the variables that supervisord and all services get besides the environment of this process."""
    gateway, balancer = (local_url(bind, ports[name], scheme) for name in ("GATEWAY_PORT", "BALANCER_PORT"))
    urls = {
        "gateway": gateway,
        "balancer": balancer,
        "balancers": supervision.balancer_urls(ports, bind, scheme),
        "substations": supervision.substation_urls(ports, bind, scheme),
        "gateways": supervision.monitor_urls(ports, bind, scheme),
    }
    own = [url for url in (gateway, balancer) if refusal(url, ())]  # this grid's own, wherever it listens
    targets = ",".join(filter(None, [os.environ.get("LOADTEST_TARGETS"), *own]))
    return base_load(os.environ) | {
        "EXIT_WITH_PARENT": "1",
        "DATA_DIR": str(data),
        "PYTHONPATH": str(ROOT),
        "GRID_ROOT": str(ROOT),
        "GRID_PYTHON": sys.executable,
        "GRID_URLS": json.dumps(urls),
        "RUNS_DIR": str(Path(os.environ.get("RUNS_DIR") or data / "runs").absolute()),
        "GRID_PROMETHEUS": prometheus.installed() or "",
        "LOADTEST_TARGETS": targets,
        "GRID_TLS": str(data / TLS_FOLDER) if scheme == "https" else "",
    }


def base_load(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with which substations start that are not told otherwise: with a base load.

    The limit is higher by the peak of the base load, so that a rush hour fits at any hour of the day. With
    BASE_LOAD=off there is neither.
    """
    source = environ.get("BASE_LOAD") or BASE_LOAD
    if source == "off":
        return {"BASE_LOAD": source}
    peak_kw = environ.get("BASE_LOAD_KW") or BASE_LOAD_KW
    capacity_kw = environ.get("CAPACITY_KW") or CAPACITY_KW
    return {"BASE_LOAD": source, "BASE_LOAD_KW": peak_kw, "CAPACITY_KW": capacity_kw}


def add_prometheus(
    config: configparser.RawConfigParser, data: Path, ports: Mapping[str, int], binds: Mapping[str, str]
) -> str:
    """Add Prometheus to the programs to start, if it is installed and its port is free; returns its URL or why not."""
    port = addresses.whole(
        os.environ, "PROMETHEUS_PORT", addresses.PROMETHEUS_PORT, addresses.HIGHEST_PORT, 0
    )
    if not port or not prometheus.installed():
        return "not started: PROMETHEUS_PORT=0" if not port else "not installed"
    bind = os.environ.get("PROMETHEUS_BIND") or addresses.LOOPBACK
    if not addresses.free(bind, port):
        return f"not started: port {port} is taken{addresses.owner(port)}; choose PROMETHEUS_PORT"

    def at(name: str) -> str:
        listens = binds["CONSOLE_BIND" if name == "CONSOLE_PORT" else "BIND"]
        return addresses.host_and_port(listens, ports[name])

    monitors = [name for name in ports if name.startswith("GATEWAY_MONITOR_PORT.")]
    jobs = {
        "substation": [at(name) for name in ports if name.startswith("SUBSTATION_PORT.")],
        "balancer": [at(name) for name in ports if name.partition(".")[0] == "BALANCER_PORT"],
        "gateway": [at(name) for name in monitors or ["GATEWAY_PORT"]],
        "admin_ui": [at("CONSOLE_PORT")],
        "prometheus": [addresses.host_and_port(bind, port)],
        "alertmanager": [address] if (address := os.environ.get("ALERTMANAGER")) else [],
    }
    prometheus.write(data / prometheus.FOLDER, jobs, data / TLS_FOLDER if wants_tls(os.environ) else None)
    shown = f"[{bind}]" if ":" in bind else bind
    supervision.add_prometheus(config, prometheus.FOLDER, prometheus.arguments(f"{shown}:{port}"))
    return local_url(bind, port)


def become(data: Path, added: Mapping[str, str]) -> NoReturn:
    """Become supervisord, in the data folder."""
    os.chdir(data)
    program = [
        sys.executable,
        "-m",
        "deploy.local.supervisor",
        "--nodaemon",
        "--configuration",
        "supervisord.conf",
    ]
    os.execve(sys.executable, program, os.environ | added)  # noqa: S606 - this is the point


if __name__ == "__main__":
    main()
