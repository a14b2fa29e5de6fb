"""A real nginx before a console: at one path of its host is the console, and another program at every other path."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.grid import LIMIT_S, status, until
from tests.support.ports import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
# As docs/how-to/behind-a-proxy.md has it, but for TLS.
CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location {path}/ {{
      proxy_pass http://127.0.0.1:{console}{stripped};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 60s;
    }}
    location / {{ return 200 "another program"; }}
  }}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
}}
"""


@contextlib.contextmanager
def before(folder: Path, console: int, path: str, *, strips: bool) -> Iterator[str]:
    """Run nginx before the console at a port; yields the URL of its host. `strips` takes the path off."""
    port = free_port()
    stripped = "/" if strips else ""
    file = folder / "nginx.conf"
    file.write_text(
        CONFIGURATION.format(folder=folder, port=port, console=console, path=path, stripped=stripped)
    )
    assert NGINX
    process = subprocess.Popen([NGINX, "-e", str(folder / "error.log"), "-c", str(file)])
    try:
        until(lambda: status(f"http://127.0.0.1:{port}/") == 200)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(LIMIT_S)
