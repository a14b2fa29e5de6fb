"""supervisord's configuration for `make run`: one program for each process, each restarted on its own.

It contains no paths. supervisord runs in the data folder, and each program starts through a shell that takes its
paths from the environment, so a space, a quote or a percent sign in a path does no harm.
"""

import configparser
from collections.abc import Mapping, Sequence

from deploy.local.addresses import host_and_port
from runtime.settings import local_url

IN_PROJECT = """/bin/sh -c 'cd "$GRID_ROOT" && exec "$GRID_PYTHON" {arguments}'"""
IN_FOLDER = """/bin/sh -c 'cd {folder} && exec {arguments}'"""
ROTATE = {"stdout_logfile_maxbytes": "10MB", "stdout_logfile_backups": "2"}


def configuration(ports: Mapping[str, int], bind: str) -> configparser.RawConfigParser:
    """Return the configuration of all services.

    `ports` is what `addresses.service_ports` returns, `bind` the address that they listen on.
    """
    config = configparser.RawConfigParser()
    config["supervisord"] = {
        "logfile": "log/supervisord.log",
        "pidfile": "supervisord.pid",
        "silent": "true",
        "childlogdir": "log",
    }
    numbers = range(1, sum(name.startswith("SUBSTATION_PORT.") for name in ports) + 1)
    urls = substation_urls(ports, bind)
    for number in numbers:
        _substation(config, number, ports)
    _service(config, "balancer", "balancer", {"SUBSTATIONS": ",".join(urls)})
    gateways = _gateways(config, ports, bind)
    _service(
        config,
        "admin_ui",
        "admin_ui",
        {
            "BALANCER_URL": local_url(bind, ports["BALANCER_PORT"]),
            "GATEWAY_URL": local_url(bind, ports["GATEWAY_PORT"]),
            "GATEWAY_MONITOR_URLS": ",".join(monitor_urls(ports, bind)),
        },
    )
    names = [*(f"substation-{number}" for number in numbers), "balancer", *gateways, "admin_ui"]
    config["group:grid"] = {"programs": ",".join(names)}  # one group stops at once
    config["program:announce"] = {
        "command": IN_PROJECT.format(arguments="deploy/local/announce.py"),
        "autorestart": "false",
        "startsecs": "0",
        "stdout_logfile": "/dev/stdout",
        "stdout_logfile_maxbytes": "0",
        "redirect_stderr": "true",
    }
    return config


def substation_urls(ports: Mapping[str, int], bind: str) -> list[str]:
    """Return the base URLs of the substations, in the order of their numbers."""
    return [local_url(bind, port) for name, port in ports.items() if name.startswith("SUBSTATION_PORT.")]


def monitor_urls(ports: Mapping[str, int], bind: str) -> list[str]:
    """Return the base URLs at which each gateway has its own metrics and health."""
    own = [port for name, port in ports.items() if name.startswith("GATEWAY_MONITOR_PORT.")]
    return [local_url(bind, port) for port in own or [ports["GATEWAY_PORT"]]]


def add_prometheus(config: configparser.RawConfigParser, folder: str, arguments: Sequence[str]) -> None:
    """Add Prometheus, which runs in a folder of the data folder."""
    command = IN_FOLDER.format(folder=folder, arguments=" ".join(arguments))
    config["program:prometheus"] = _program("prometheus", command) | {"startretries": "10"}
    config["group:grid"]["programs"] += ",prometheus"


def _substation(config: configparser.RawConfigParser, number: int, ports: Mapping[str, int]) -> None:
    _service(
        config,
        f"substation-{number}",
        "substation",
        {
            "SUBSTATION_ID": f"substation-{number}",
            "SUBSTATION_PORT": str(ports[f"SUBSTATION_PORT.{number}"]),
            "SUBSTATION_STREAM_PORT": str(ports[f"SUBSTATION_STREAM_PORT.{number}"]),
        },
    )


def _gateways(config: configparser.RawConfigParser, ports: Mapping[str, int], bind: str) -> list[str]:
    """Add the gateways; returns the names of their programs."""
    balancer = {"BALANCER": host_and_port(bind, ports["BALANCER_STREAM_PORT"])}
    monitors = [port for name, port in ports.items() if name.startswith("GATEWAY_MONITOR_PORT.")]
    named = {f"gateway-{number}": port for number, port in enumerate(monitors, 1)} or {"gateway": 0}
    for name, port in named.items():
        _service(config, name, "gateway", balancer | {"GATEWAY_MONITOR_PORT": str(port)})
    return list(named)


def _service(
    config: configparser.RawConfigParser, name: str, module: str, environment: Mapping[str, str]
) -> None:
    config[f"program:{name}"] = _program(name, IN_PROJECT.format(arguments=f"-m {module}")) | {
        "environment": ",".join(f'{key}="{value}"' for key, value in environment.items())
    }


def _program(name: str, command: str) -> dict[str, str]:
    return {
        "command": command,
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "100",
        "stopwaitsecs": "11",
        "redirect_stderr": "true",
        "stdout_logfile": f"log/{name}.log",
    } | ROTATE
