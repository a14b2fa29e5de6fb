"""The load test as a child process: starts it with its own environment, reads its lines, and ends it."""

import asyncio
import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loadtest.contract import API_KEY_FILE, KEEP_SESSIONS, OPERATOR_TOKEN_FILE
from runtime.tls.settings import NAMES as TLS_FILES

ROOT = Path(__file__).resolve().parents[2]
MOST_LINE_BYTES = 4 * 1024 * 1024  # a line of progress of some ten thousand substations
LAST_WORDS_BYTES = 4096  # the end of its standard error
CHUNK_BYTES = 1024
HURRY_AFTER_S = 4.0  # after a second signal the load test stops waiting for answers and writes its result
KILL_AFTER_S = 2.0  # after the second signal; a console has nine seconds to stop
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "TMPDIR",
    "API_KEY",
    "LOADTEST_TARGETS",
)


@dataclasses.dataclass(frozen=True, slots=True)
class LoadTest:
    """The command of the load test: the URLs of the grid, the folder of its runs, and the files of secrets.

    `balancer_url` returns that of a balancer that is up.
    """

    gateway_url: str
    balancer_url: Callable[[], str]
    runs: Path
    api_key_file: Path | None = None  # where the gateway asks for a key
    token_file: Path | None = None  # where the balancer asks for the operator token

    def credentials(self) -> list[str]:
        """Return the arguments that name the files of secrets."""
        files = {API_KEY_FILE: self.api_key_file, OPERATOR_TOKEN_FILE: self.token_file}
        return [text for name, path in files.items() if path for text in (name, str(path.absolute()))]

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a child: the variables that it needs, and no secret of the console."""
        kept = {name: environ[name] for name in INHERITED if name in environ}
        kept |= {name: str(Path(environ[name]).absolute()) for name in TLS_FILES if environ.get(name)}
        return kept | {
            "GATEWAY_URL": self.gateway_url,
            "BALANCER_URL": self.balancer_url(),
            "RUNS_DIR": str(self.runs.absolute()),
            "PYTHONUNBUFFERED": "1",
        }

    async def start(self, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        """Start the load test; raises OSError."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "loadtest",
            *arguments,
            cwd=ROOT,
            env=self.environment(os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MOST_LINE_BYTES,
        )

    async def output(self, arguments: Sequence[str], within_s: float) -> tuple[int, str, str]:
        """Return the exit code, the output and the last words of a short command; raises OSError, TimeoutError."""
        process = await self.start(arguments)
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(within_s):
                code, last_words = await follow(process, lines.append)
        finally:
            await end(process)
        return code, b"".join(lines).decode(errors="replace"), last_words


async def follow(process: asyncio.subprocess.Process, take: Callable[[bytes], None]) -> tuple[int, str]:
    """Pass every line to `take` until the process has ended; returns its exit code and its last words."""
    last_words = asyncio.create_task(_last(process.stderr))
    try:
        while line := await _line(process.stdout):
            take(line)
        return await process.wait(), await last_words
    finally:
        last_words.cancel()


async def end(process: asyncio.subprocess.Process) -> None:
    """Signal the run to end, signal again, then kill it. Its cars keep charging, because nobody asked to end sessions."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        for within_s in (HURRY_AFTER_S, KILL_AFTER_S):
            process.send_signal(KEEP_SESSIONS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), within_s)
                return
        process.kill()
        await process.wait()


async def _line(stream: asyncio.StreamReader | None) -> bytes:
    """Return the next line, b"" at the end; a line that is too long is left out."""
    while stream:
        try:
            return await stream.readline()
        except ValueError:  # longer than the limit: asyncio has dropped what it read of the line
            continue
    return b""


async def _last(stream: asyncio.StreamReader | None) -> str:
    kept = b""
    while stream and (chunk := await stream.read(CHUNK_BYTES)):
        kept = (kept + chunk)[-LAST_WORDS_BYTES:]
    return kept.decode(errors="replace")
