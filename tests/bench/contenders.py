"""What is measured: this project, a bare handler, and balancers in front of three durable substations.

Each peer has its best configuration: connections to the substations are kept, and it has one thread, as the
services of this project have.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.grid import LIMIT_S, ROOT, Grid, status, until
from tests.support.ports import free_port

HAPROXY = """
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-keep-alive
    http-reuse always
frontend in
    bind 127.0.0.1:{port}
    default_backend substations
backend substations
    balance leastconn
{servers}
"""
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    upstream substations {{
        least_conn;
{servers}
        keepalive 256;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://substations;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
ENVOY = """
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: substations}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: substations
    type: STATIC
    connect_timeout: 5s
    lb_policy: LEAST_REQUEST
    load_assignment:
      cluster_name: substations
      endpoints:
      - lb_endpoints:
{servers}
"""


@contextlib.contextmanager
def process(command: list[str], url: str, log: Path, **environment: str) -> Iterator[None]:
    """Run a server while the context lasts; it is entered once `url` is answered."""
    with log.open("wb") as output:
        environ = {**os.environ, **environment}
        started = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=environ)
    try:
        until(lambda: started.poll() is not None or status(f"{url}/livez") == 200)
        if started.poll() is not None:
            raise RuntimeError(f"{command[0]} has ended: {log.read_text()[-2000:]}")
        yield
    finally:
        started.terminate()
        started.wait(LIMIT_S)


@contextlib.contextmanager
def bare(folder: Path) -> Iterator[str]:
    """A Tornado handler that only decodes and answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with process([sys.executable, "-m", "tests.bench.bare", str(port)], url, folder / "bare.log"):
        yield url


@contextlib.contextmanager
def durable_substations(folder: Path) -> Iterator[list[int]]:
    """Three substations that take requests over HTTP; yields their ports."""
    with contextlib.ExitStack() as stack:
        ports = []
        for number in (1, 2, 3):
            port, name = free_port(), f"substation-{number}"
            command = [
                sys.executable,
                "-m",
                "tests.bench.durable",
                str(port),
                str(folder / name),
                name,
            ]
            stack.enter_context(process(command, f"http://127.0.0.1:{port}", folder / f"{name}.log"))
            ports.append(port)
        yield ports


@contextlib.contextmanager
def haproxy(folder: Path, ports: list[int]) -> Iterator[str]:
    """HAProxy, leastconn."""
    port = free_port()
    servers = "\n".join(f"    server s{each} 127.0.0.1:{each}" for each in ports)
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, servers=servers))
    url = f"http://127.0.0.1:{port}"
    with process(["haproxy", "-db", "-f", str(config)], url, folder / "haproxy.log"):
        yield url


@contextlib.contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[str]:
    """NGINX, least_conn."""
    port = free_port()
    servers = "\n".join(f"        server 127.0.0.1:{each};" for each in ports)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(port=port, servers=servers, folder=folder))
    url = f"http://127.0.0.1:{port}"
    with process(["nginx", "-e", str(folder / "start.log"), "-c", str(config)], url, folder / "nginx.log"):
        yield url


@contextlib.contextmanager
def envoy(folder: Path, ports: list[int]) -> Iterator[str]:
    """Envoy, least_request."""
    port = free_port()
    endpoint = "        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}"
    servers = "\n".join(endpoint.format(each) for each in ports)
    config = folder / "envoy.yaml"
    config.write_text(ENVOY.format(port=port, admin=free_port(), servers=servers))
    url = f"http://127.0.0.1:{port}"
    program = shutil.which("envoy") or str(Path(sys.executable).with_name("envoy"))
    command = [program, "--concurrency", "1", "--config-path", str(config), "--log-level", "error"]
    with process(command, url, folder / "envoy.log"):
        yield url


@contextlib.contextmanager
def ours(folder: Path, **environment: str) -> Iterator[Grid]:
    """The whole grid of `make run`, with room for every request."""
    grid = Grid(
        folder,
        **{
            "CAPACITY_KW": "1000000",
            "QUOTA_PER_MINUTE": "6000000",
            "MAX_CONNECTIONS_PER_ADDRESS": "0",
            **environment,
        },
    )
    grid.start()
    try:
        yield grid
    finally:
        grid.stop()
