"""PostgreSQL servers for tests: Debian's programs, on a folder and a port of their own.

`initdb` and `postgres` refuse to run as root, so that the folder belongs to an unprivileged user then.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.ports import free_port

HOST = "127.0.0.1"
USER = "grid"
DATABASE = "grid"
STARTED_S = 60.0  # a limit, not an expectation
QUICK = ("fsync=off", "full_page_writes=off")  # where durability is not the subject
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=16MB",
    "max_connections=60",
    "autovacuum=off",
    "max_wal_size=256MB",
    "wal_keep_size=64MB",
)


def programs() -> Path | None:
    """Return the folder of the newest server that is installed, as Debian does it; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _owner() -> pwd.struct_passwd | None:
    """Return who shall own the server where this process is root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no unprivileged user")


class PostgresServer:
    """One server; `url` is that of its database."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.data = folder
        self.port = port or free_port()
        self.log = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}@{self.host}/{database}?sslmode=disable"

    def new_database(self, name: str) -> str:
        """Make an empty database, in place of one of this name; returns its URL."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def start(self, *settings: str) -> None:
        """Start it, and wait until it answers."""
        chosen = [part for each in (*SETTINGS, *settings) for part in ("-c", each)]
        with self.log.open("ab") as log:
            self._process = _run("postgres", "-D", self.data, "-p", f"{self.port}", *chosen, stderr=log)
        ends_s = time.monotonic() + STARTED_S
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < ends_s, self.log.read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Whether it takes connections; the first byte that a server sends says so."""
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1) as probe:
            probe.settimeout(1)
            wanted = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
            probe.sendall((8 + len(wanted)).to_bytes(4) + (3 << 16).to_bytes(4) + wanted)
            return probe.recv(1) == b"R"
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT drops its clients; with SIGQUIT it ends as in a crash. Nothing happens if it has ended."""
        if self._process:
            self.signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(STARTED_S)
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and to all that it has started, such as SIGSTOP."""
        assert self._process
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def sql(self, statement: str, database: str = DATABASE) -> str:
        """Carry out a statement as the owner of the server; returns what it printed."""
        options = ("-h", HOST, "-p", f"{self.port}", "-U", USER, "-d", database, "-Atqc", statement)
        asked = _run("psql", "-X", *options)
        answer, said = asked.communicate(timeout=STARTED_S)
        assert asked.returncode == 0, said.decode()
        return answer.decode().strip()

    def promote(self) -> None:
        """Make the replica a primary, and wait until it is one."""
        assert self.sql("SELECT pg_promote()") == "t"

    def replica(self, folder: Path, name: str) -> "PostgresServer":
        """Return a new replica of this server, which is not started yet."""
        made = PostgresServer(folder)
        connection = f"host={HOST} port={self.port} user={USER} application_name={name}"
        copied = _run("pg_basebackup", "-D", folder, "-R", "-c", "fast", "-d", connection)
        _, said = copied.communicate(timeout=STARTED_S)
        assert copied.returncode == 0, said
        return made


def _run(
    program: str, *arguments: str | Path, stderr: int | IO[bytes] = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """Start one of the programs of PostgreSQL as who owns the servers."""
    folder, owner = programs(), _owner()
    assert folder
    return subprocess.Popen(
        [folder / program, *arguments],
        stdout=subprocess.PIPE if stderr is subprocess.PIPE else subprocess.DEVNULL,
        stderr=stderr,
        stdin=subprocess.PIPE if program == "postgres" and stderr is subprocess.PIPE else subprocess.DEVNULL,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        umask=0o077,
    )


@contextlib.contextmanager
def owned_folder() -> Iterator[Path]:
    """A new folder that the user of the servers may use; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="grid-postgres-"))
    try:
        if owner := _owner():
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def server(shared: Path, *settings: str) -> Iterator[PostgresServer]:
    """A new server that runs while the context lasts; `shared` is a folder that all workers of a test run have."""
    if not programs():
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with owned_folder() as folder:
        shutil.copytree(_template(shared), folder / "data", copy_function=_copy)
        if owner := _owner():
            for path in (folder / "data", *(folder / "data").rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        started = PostgresServer(folder / "data")
        try:
            started.start(*settings)
            yield started
        finally:
            started.stop()


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o600)


def _template(shared: Path) -> Path:
    """Return a new data folder with an empty database, made once for all workers: `initdb` takes a second."""
    template = shared / "postgres-template"
    with (shared / "postgres-template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            with owned_folder() as folder:
                options = ("-U", USER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
                made = _run("initdb", "-D", folder / "data", *options)
                _, said = made.communicate(timeout=STARTED_S)
                assert made.returncode == 0, said
                alone = _run("postgres", "--single", "-D", folder / "data", "postgres")
                alone.communicate(f"CREATE DATABASE {DATABASE};\n".encode(), timeout=STARTED_S)
                assert alone.returncode == 0
                shutil.copytree(folder / "data", template)
    return template
