"""Runs the whole grid on this machine: checks, writes supervisord's configuration, and becomes it.

`make run` calls it. Everything is settable by the environment variables of the services; besides
those, GRID_SUBSTATIONS says how many substations there are.
"""

import configparser
import contextlib
import os
import re
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import prometheus

ROOT = Path(__file__).resolve().parents[2]
HIGHEST_PORT = 65_535
LISTENING = "0A"  # in /proc/net/tcp
FREE_WITHIN_S = 3.0  # services whose supervisor was killed end by themselves within a second
ROTATE = {"stdout_logfile_maxbytes": "10MB", "stdout_logfile_backups": "2"}


def main() -> None:
    """Start the grid in the foreground; ends with 1 when a port is taken."""
    os.chdir(ROOT)
    bind = os.environ.get("BIND") or "127.0.0.1"
    try:
        ports = service_ports(os.environ)
        _whole(os.environ, "PROMETHEUS_PORT", 9090, HIGHEST_PORT, least=0)
    except ValueError as error:
        sys.stderr.write(f"The grid can't start: {error}\n")
        sys.exit(2)
    if taken := taken_ports(bind, ports):
        for port, owner in taken.items():
            sys.stderr.write(f"Port {port} is taken{owner}.\n")
        sys.stderr.write("Stop what uses it, or choose other ports (docs/reference/settings.md).\n")
        sys.exit(1)
    data = Path(os.environ.get("DATA_DIR", "data")).absolute()
    (data / "log").mkdir(parents=True, exist_ok=True)
    configuration = data / "supervisord.conf"
    made = supervisord(data, ports, reachable(bind))
    told = watched(made, data, ports, reachable(bind))
    with configuration.open("w", encoding="utf-8") as file:
        made.write(file)
    environment = os.environ | {"EXIT_WITH_PARENT": "1", "DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
    environment["PROMETHEUS_TOLD"] = told
    program = [
        sys.executable,
        "-m",
        "supervisor.supervisord",
        "--nodaemon",
        "--configuration",
        str(configuration),
    ]
    os.execve(sys.executable, program, environment)  # noqa: S606 - this is the point


def service_ports(environ: Mapping[str, str]) -> dict[str, int]:
    """Return the port of every listener, by the name of its setting; substations are numbered.

    Raises ValueError, naming what can't be used.
    """
    count = _whole(environ, "GRID_SUBSTATIONS", 3, 100)
    single = {"GATEWAY_PORT": 8000, "BALANCER_PORT": 8001, "BALANCER_GRPC_PORT": 9001, "CONSOLE_PORT": 8080}
    ports = {name: _whole(environ, name, default, HIGHEST_PORT) for name, default in single.items()}
    for name, default in {"SUBSTATION_PORT": 8101, "SUBSTATION_GRPC_PORT": 9101}.items():
        first = _whole(environ, name, default, HIGHEST_PORT - count)
        ports |= {f"{name}.{number + 1}": first + number for number in range(count)}
    return ports


def watched(made: configparser.RawConfigParser, data: Path, ports: dict[str, int], host: str) -> str:
    """Add Prometheus to what is started, if it is installed and its port is free; returns what to say of it."""
    port = _whole(os.environ, "PROMETHEUS_PORT", 9090, HIGHEST_PORT, least=0)
    program = prometheus.installed()
    if not port or not program:
        return "not started: PROMETHEUS_PORT=0" if not port else "not installed"
    bind = os.environ.get("PROMETHEUS_BIND") or "127.0.0.1"
    if not _free(bind, port):
        return f"not started: port {port} is taken{_owner(port)}; choose PROMETHEUS_PORT"
    of_substations = [number for name, number in ports.items() if name.startswith("SUBSTATION_PORT.")]
    jobs = {
        "substation": of_substations,
        "balancer": [ports["BALANCER_PORT"]],
        "gateway": [ports["GATEWAY_PORT"]],
    }
    targets = {job: [f"{host}:{number}" for number in numbers] for job, numbers in jobs.items()}
    targets |= {"admin_ui": [f"127.0.0.1:{ports['CONSOLE_PORT']}"], "prometheus": [f"127.0.0.1:{port}"]}
    targets["alertmanager"] = [address] if (address := os.environ.get("ALERTMANAGER")) else []
    folder = data / "prometheus"
    prometheus.write(folder, targets)
    shown = f"[{bind}]" if ":" in bind else bind
    made["program:prometheus"] = {
        "command": prometheus.command(program, folder, f"{shown}:{port}"), "directory": str(folder),
        "autorestart": "true", "startsecs": "1", "startretries": "10", "stopwaitsecs": "11",
        "redirect_stderr": "true", "stdout_logfile": f"{data}/log/prometheus.log",
    } | ROTATE  # fmt: skip
    made["group:grid"]["programs"] += ",prometheus"
    return f"http://{reachable(bind)}:{port}"


def _whole(environ: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    text = environ.get(name) or str(default)
    if not re.fullmatch("[0-9]{1,5}", text) or not least <= int(text) <= most:
        message = f"{name}={text!r}: a whole number from {least} to {most} is accepted"
        raise ValueError(message)
    return int(text)


def reachable(bind: str) -> str:
    """Return the host under which this machine reaches what listens on `bind`, as in a URL."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 - it is read here, not bound
    return f"[{host}]" if ":" in host else host


def supervisord(data: Path, ports: dict[str, int], host: str) -> configparser.RawConfigParser:
    """Return supervisord's configuration: one program for each process, restarted on its own."""
    made = configparser.RawConfigParser()
    made["supervisord"] = {
        "logfile": f"{data}/log/supervisord.log", "pidfile": f"{data}/supervisord.pid", "silent": "true",
        "childlogdir": f"{data}/log",
    }  # fmt: skip
    count = sum(name.startswith("SUBSTATION_PORT.") for name in ports)
    urls = ",".join(f"http://{host}:{ports[f'SUBSTATION_PORT.{n}']}" for n in range(1, count + 1))
    for number in range(1, count + 1):
        _program(made, data, f"substation-{number}", "substation", {
            "SUBSTATION_ID": f"substation-{number}",
            "SUBSTATION_PORT": str(ports[f"SUBSTATION_PORT.{number}"]),
            "SUBSTATION_GRPC_PORT": str(ports[f"SUBSTATION_GRPC_PORT.{number}"]),
        })  # fmt: skip
    names = [f"substation-{number}" for number in range(1, count + 1)]
    made["group:grid"] = {
        "programs": ",".join([*names, "balancer", "gateway", "admin_ui"])
    }  # one group stops at once
    _program(made, data, "balancer", "balancer", {"SUBSTATIONS": urls})
    _program(made, data, "gateway", "gateway", {"BALANCER": f"{host}:{ports['BALANCER_GRPC_PORT']}"})
    _program(made, data, "admin_ui", "admin_ui", {
        "BALANCER_URL": f"http://{host}:{ports['BALANCER_PORT']}",
        "GATEWAY_URL": f"http://{host}:{ports['GATEWAY_PORT']}",
        "RUNS_DIR": f"{data}/runs",
    })  # fmt: skip
    made["program:announce"] = {
        "command": f'"{sys.executable}" deploy/local/announce.py {host} {urls}', "directory": str(ROOT),
        "autorestart": "false", "startsecs": "0", "stdout_logfile": "/dev/stdout", "stdout_logfile_maxbytes": "0",
        "redirect_stderr": "true",
    }  # fmt: skip
    return made


def _program(
    made: configparser.RawConfigParser, data: Path, name: str, module: str, environment: dict[str, str]
) -> None:
    made[f"program:{name}"] = {
        "command": f'"{sys.executable}" -m {module}', "directory": str(ROOT), "autorestart": "true",
        "startsecs": "1", "startretries": "100", "stopwaitsecs": "11", "redirect_stderr": "true",
        "stdout_logfile": f"{data}/log/{name}.log",
        "environment": ",".join(f'{key}="{value}"' for key, value in environment.items()),
    } | ROTATE  # fmt: skip


def taken_ports(bind: str, ports: dict[str, int]) -> dict[int, str]:
    """Return the ports that are still taken after a moment, with what is known of their owners."""
    until = time.monotonic() + FREE_WITHIN_S
    while (taken := [port for port in ports.values() if not _free(bind, port)]) and time.monotonic() < until:
        time.sleep(0.1)
    return {port: _owner(port) for port in taken}


def _free(bind: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def _owner(port: int) -> str:
    """Return ' by process N (its command)' where the system tells, else ''."""
    try:
        rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return ""
    columns = [row.split() for row in rows]
    sockets = {
        f"socket:[{row[9]}]" for row in columns if row[1].endswith(f":{port:04X}") and row[3] == LISTENING
    }
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # it has just ended, or is not ours to look at
            if str(link.readlink()) in sockets:
                command = (
                    (link.parents[1] / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                return f" by process {link.parents[1].name} ({command.strip()})"
    return ""


if __name__ == "__main__":
    main()
