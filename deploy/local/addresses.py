"""The ports of `make run`: which are configured, which are taken and by whom, and the URL of each listener."""

import collections
import contextlib
import ipaddress
import itertools
import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from runtime.settings import local_url

HIGHEST_PORT = 65_535
MOST_SUBSTATIONS = 100
MOST_GATEWAYS = 32
MOST_BALANCERS = 8
LOOPBACK = "127.0.0.1"
DEFAULT_PORTS = {
    "GATEWAY_PORT": 8000,
    "BALANCER_PORT": 8001,
    "BALANCER_STREAM_PORT": 9001,
    "CONSOLE_PORT": 8080,
}
BALANCER_PORTS = ("BALANCER_PORT", "BALANCER_STREAM_PORT")
HOW_TO = "docs/how-to/several-balancers.md"
PROMETHEUS_PORT = 9090
LISTENING = "0A"  # in /proc/net/tcp
FREE_WITHIN_S = 3.0  # services whose supervisor was killed end by themselves within a second


def service_ports(environ: Mapping[str, str]) -> dict[str, int]:
    """Return the port of every listener, by the name of its setting; substations are numbered.

    Several gateways share one port, and each has a numbered GATEWAY_MONITOR_PORT of its own; a single one has none. The
    second balancer has the ports after those of the first, and so on.

    Raises ValueError with one line for each setting that can't be used.
    """
    faults: list[str] = []

    def port(name: str, default: int, most: int = HIGHEST_PORT) -> int:
        try:
            return whole(environ, name, default, most)
        except ValueError as error:
            faults.append(str(error))
            return default

    count = port("GRID_SUBSTATIONS", 3, MOST_SUBSTATIONS)
    balancers = port("BALANCERS", 1, MOST_BALANCERS)
    ports = {name: port(name, default, HIGHEST_PORT - balancers) for name, default in DEFAULT_PORTS.items()}
    ports |= _more_balancers(ports, balancers)
    for name, default in {"SUBSTATION_PORT": 8101, "SUBSTATION_STREAM_PORT": 9101}.items():
        first = port(name, default, HIGHEST_PORT - count)
        ports |= {f"{name}.{number + 1}": first + number for number in range(count)}
    gateways = port("GATEWAY_PROCESSES", 1, MOST_GATEWAYS)
    if gateways > 1:
        first = port("GATEWAY_MONITOR_PORT", 8011, HIGHEST_PORT - gateways)
        ports |= {f"GATEWAY_MONITOR_PORT.{number + 1}": first + number for number in range(gateways)}
    names = collections.defaultdict(list)
    for name, number in ports.items():
        names[number].append(name)
    faults += [f"{' and '.join(each)} are one port: {number}" for number, each in names.items() if each[1:]]
    faults += _bad_addresses(environ)
    if balancers > 1 and not environ.get("ORDER_BOOK"):
        faults.append(f"BALANCERS={balancers} needs ORDER_BOOK, the database that they share: {HOW_TO}")
    if faults:
        raise ValueError("\n".join(faults))
    return ports


def _more_balancers(ports: Mapping[str, int], count: int) -> dict[str, int]:
    """Return the ports of the second balancer and all further ones, each with its number."""
    numbers = itertools.product(range(2, count + 1), BALANCER_PORTS)
    return {f"{name}.{number}": ports[name] + number - 1 for number, name in numbers}


def listening_on(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the address on which the services and on which the console listens, by the name of its setting."""
    return {name: environ.get(name) or LOOPBACK for name in ("BIND", "CONSOLE_BIND")}


def whole(environ: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    """Return a whole number from the environment; raises ValueError that says what is accepted."""
    text = environ.get(name) or str(default)
    if not re.fullmatch("[0-9]{1,5}", text) or not least <= int(text) <= most:
        raise ValueError(f"{name}={text!r}: it must be a whole number from {least} to {most}")
    return int(text)


def host_and_port(bind: str, port: int) -> str:
    """Return the host, as in a URL, by which this machine reaches a listener on the address `bind`."""
    return local_url(bind, port).removeprefix("http://")


def taken_ports(listeners: Mapping[int, str]) -> dict[int, str]:
    """Return the ports that are still taken after a moment, with what is known of the processes that use them.

    `listeners` is the address of each port.
    """
    until = time.monotonic() + FREE_WITHIN_S
    while (
        taken := [port for port, bind in listeners.items() if not free(bind, port)]
    ) and time.monotonic() < until:
        time.sleep(0.1)
    return {port: owner(port) for port in taken}


def free(bind: str, port: int) -> bool:
    """Whether this machine has the address, and its port is free."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def owner(port: int) -> str:
    """Return ' by process N (its command)' if the system shows it, otherwise ''."""
    rows: list[str] = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            rows += Path(table).read_text(encoding="ascii").splitlines()[1:]
    columns = [row.split() for row in rows]
    sockets = {
        f"socket:[{row[9]}]" for row in columns if row[1].endswith(f":{port:04X}") and row[3] == LISTENING
    }
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # it has just ended, or belongs to another user
            if str(link.readlink()) in sockets:
                command = (link.parents[1] / "cmdline").read_bytes().replace(b"\0", b" ")
                return f" by process {link.parents[1].name} ({command.decode(errors='replace').strip()})"
    return ""


def _bad_addresses(environ: Mapping[str, str]) -> list[str]:
    faults = []
    for name, bind in listening_on(environ).items():
        try:
            ipaddress.ip_address(bind)
        except ValueError:
            faults.append(f"{name}={bind!r}: it must be an IP address such as 127.0.0.1, 0.0.0.0 or ::1")
            continue
        if not free(bind, 0):
            faults.append(f"{name}={bind}: this machine has no such address")
    return faults
