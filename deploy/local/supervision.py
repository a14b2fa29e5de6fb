"""supervisord's configuration for `make run`: one program for each process, each restarted on its own.

It contains no paths. supervisord runs in the data folder, and each program starts through a shell that takes its
paths from the environment, so a space, a quote or a percent sign in a path does no harm.
"""

import configparser
from collections.abc import Mapping, Sequence

from deploy.local.addresses import BALANCER_PORTS, host_and_port
from runtime.settings import local_url

IN_PROJECT = """/bin/sh -c 'cd "$GRID_ROOT" && exec {before}"$GRID_PYTHON" {arguments}'"""
# With TLS=on, a service has the files of its own folder below GRID_TLS.
OWN_FOLDER = 'env DATA_DIR="$DATA_DIR/balancer-{number}" '
WITH_FILES = 'env TLS_CA="$GRID_TLS/{own}/ca.pem" TLS_CERT="$GRID_TLS/{own}/cert.pem" TLS_KEY="$GRID_TLS/{own}/key.pem" '
PUBLIC_FILES = (
    'GATEWAY_TLS_CERT="$GRID_TLS/gateway/public-cert.pem" GATEWAY_TLS_KEY="$GRID_TLS/gateway/public-key.pem" '
)
IN_FOLDER = """/bin/sh -c 'cd {folder} && exec {arguments}'"""
ROTATE = {"stdout_logfile_maxbytes": "10MB", "stdout_logfile_backups": "2"}


def configuration(ports: Mapping[str, int], bind: str, scheme: str = "http") -> configparser.RawConfigParser:
    """Return the configuration of all services.

    `ports` is what `addresses.service_ports` returns, `bind` the address that they listen on. With the scheme `https`
    they speak TLS.
    """
    config = configparser.RawConfigParser()
    config["supervisord"] = {
        "logfile": "log/supervisord.log",
        "pidfile": "supervisord.pid",
        "silent": "true",
        "childlogdir": "log",
    }
    numbers = range(1, sum(name.startswith("SUBSTATION_PORT.") for name in ports) + 1)
    urls = substation_urls(ports, bind, scheme)
    tls = scheme == "https"
    for number in numbers:
        _substation(config, number, ports, tls=tls)
    balancers = _balancers(config, ports, urls, tls=tls)
    gateways = _gateways(config, ports, bind, tls=tls)
    _console(config, ports, bind, scheme)
    names = [*(f"substation-{number}" for number in numbers), *balancers, *gateways, "admin_ui"]
    config["group:grid"] = {"programs": ",".join(names)}  # one group stops at once
    config["program:announce"] = {
        "command": IN_PROJECT.format(before="", arguments="deploy/local/announce.py"),
        "autorestart": "false",
        "startsecs": "0",
        "stdout_logfile": "/dev/stdout",
        "stdout_logfile_maxbytes": "0",
        "redirect_stderr": "true",
    }
    return config


def substation_urls(ports: Mapping[str, int], bind: str, scheme: str = "http") -> list[str]:
    """Return the base URLs of the substations, in the order of their numbers."""
    found = (port for name, port in ports.items() if name.startswith("SUBSTATION_PORT."))
    return [local_url(bind, port, scheme) for port in found]


def monitor_urls(ports: Mapping[str, int], bind: str, scheme: str = "http") -> list[str]:
    """Return the base URLs at which each gateway has its own metrics and health."""
    own = [port for name, port in ports.items() if name.startswith("GATEWAY_MONITOR_PORT.")]
    return [local_url(bind, port, scheme) for port in own or [ports["GATEWAY_PORT"]]]


def add_prometheus(config: configparser.RawConfigParser, folder: str, arguments: Sequence[str]) -> None:
    """Add Prometheus, which runs in a folder of the data folder."""
    command = IN_FOLDER.format(folder=folder, arguments=" ".join(arguments))
    config["program:prometheus"] = _program("prometheus", command) | {"startretries": "10"}
    config["group:grid"]["programs"] += ",prometheus"


def _substation(
    config: configparser.RawConfigParser, number: int, ports: Mapping[str, int], *, tls: bool
) -> None:
    _service(
        config,
        f"substation-{number}",
        "substation",
        {
            "SUBSTATION_ID": f"substation-{number}",
            "SUBSTATION_PORT": str(ports[f"SUBSTATION_PORT.{number}"]),
            "SUBSTATION_STREAM_PORT": str(ports[f"SUBSTATION_STREAM_PORT.{number}"]),
        },
        _files(f"substations/substation-{number}", tls=tls),
    )


def _console(config: configparser.RawConfigParser, ports: Mapping[str, int], bind: str, scheme: str) -> None:
    _service(
        config,
        "admin_ui",
        "admin_ui",
        {
            "BALANCER_URL": ",".join(balancer_urls(ports, bind, scheme)),
            "GATEWAY_URL": local_url(bind, ports["GATEWAY_PORT"], scheme),
            "GATEWAY_MONITOR_URLS": ",".join(monitor_urls(ports, bind, scheme)),
        },
        _files("console", tls=scheme == "https"),
    )


def _balancers(
    config: configparser.RawConfigParser, ports: Mapping[str, int], substations: Sequence[str], *, tls: bool
) -> list[str]:
    """Add the balancers, the second and all further ones with a data folder of their own; returns their programs' names."""
    names = []
    for number in range(1, len(_all(ports, "BALANCER_PORT")) + 1):
        environment = {"SUBSTATIONS": ",".join(substations)}
        before = _files("balancer", tls=tls)
        if number > 1:
            environment |= {name: str(ports[f"{name}.{number}"]) for name in BALANCER_PORTS}
            before = OWN_FOLDER.format(number=number) + before
        name = f"balancer-{number}" if number > 1 else "balancer"
        _service(config, name, "balancer", environment, before)
        names.append(name)
    return names


def _all(ports: Mapping[str, int], name: str) -> list[int]:
    """Return the ports of a setting, with those of the numbered services of the kind."""
    return [port for each, port in ports.items() if each.partition(".")[0] == name]


def balancer_urls(ports: Mapping[str, int], bind: str, scheme: str = "http") -> list[str]:
    """Return the base URLs of the balancers."""
    return [local_url(bind, port, scheme) for port in _all(ports, "BALANCER_PORT")]


def _gateways(
    config: configparser.RawConfigParser, ports: Mapping[str, int], bind: str, *, tls: bool
) -> list[str]:
    """Add the gateways; returns the names of their programs."""
    streams = [host_and_port(bind, port) for port in _all(ports, "BALANCER_STREAM_PORT")]
    balancer = {"BALANCER": ",".join(streams)}
    monitors = [port for name, port in ports.items() if name.startswith("GATEWAY_MONITOR_PORT.")]
    named = {f"gateway-{number}": port for number, port in enumerate(monitors, 1)} or {"gateway": 0}
    for name, port in named.items():
        files = _files("gateway", tls=tls) + (PUBLIC_FILES if tls else "")
        _service(config, name, "gateway", balancer | {"GATEWAY_MONITOR_PORT": str(port)}, files)
    return list(named)


def _files(own: str, *, tls: bool) -> str:
    """Return the words before a command by which it gets the files of a folder below GRID_TLS; none without TLS."""
    return WITH_FILES.format(own=own) if tls else ""


def _service(
    config: configparser.RawConfigParser,
    name: str,
    module: str,
    environment: Mapping[str, str],
    files: str = "",
) -> None:
    command = IN_PROJECT.format(before=files, arguments=f"-m {module}")
    config[f"program:{name}"] = _program(name, command) | {
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
