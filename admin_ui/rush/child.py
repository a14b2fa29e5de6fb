"""The load test as a child process: started with an environment of its own, read line by line, ended."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINE_BYTES = 4 * 1024 * 1024  # a line of progress of some ten thousand substations
LAST_WORDS_BYTES = 4096
CHUNK_BYTES = 1024
HURRY_AFTER_S = 4.0  # after a second signal the load test stops waiting for answers and writes its result
KILL_AFTER_S = 2.0  # after that; a console has nine seconds to stop
KEEP_SESSIONS = signal.SIGUSR1  # stops the sending; the cars charge on
END_SESSIONS = signal.SIGTERM  # also ends the sessions
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
    """How the load test is started: the grid, and the folder of its runs."""

    gateway_url: str
    balancer_url: str
    runs: Path
    api_key_file: Path | None = None  # where the gateway asks for a key
    token_file: Path | None = None  # where the balancer asks for the operator token

    def credentials(self) -> list[str]:
        """Return the arguments that name the files of secrets."""
        files = {"--api-key-file": self.api_key_file, "--operator-token-file": self.token_file}
        return [text for name, path in files.items() if path for text in (name, str(path.absolute()))]

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a child: what it needs, and no secret of the console's."""
        kept = {name: environ[name] for name in INHERITED if name in environ}
        return kept | {
            "GATEWAY_URL": self.gateway_url,
            "BALANCER_URL": self.balancer_url,
            "RUNS_DIR": str(self.runs.absolute()),
            "PYTHONUNBUFFERED": "1",
        }

    async def start(self, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        """Start it; raises OSError."""
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
        """Return exit code, output and last words of a short command; raises OSError, TimeoutError."""
        process = await self.start(arguments)
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(within_s):
                code, last_words = await follow(process, lines.append)
        finally:
            await end(process)
        return code, b"".join(lines).decode(errors="replace"), last_words


async def follow(process: asyncio.subprocess.Process, take: Callable[[bytes], None]) -> tuple[int, str]:
    """Give every line to `take` until the process has ended; returns its exit code and its last words."""
    last_words = asyncio.create_task(_last(process.stderr))
    try:
        while line := await _line(process.stdout):
            take(line)
        return await process.wait(), await last_words
    finally:
        last_words.cancel()


async def end(process: asyncio.subprocess.Process) -> None:
    """Ask the run to end, ask again, then kill it. Its cars stay on the grid, because nobody asked to end sessions."""
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
    """Return the next line, b"" at the end; one that is too long is left out."""
    while stream:
        try:
            return await stream.readline()
        except ValueError:  # beyond the limit: what was read of it is gone
            continue
    return b""


async def _last(stream: asyncio.StreamReader | None) -> str:
    kept = b""
    while stream and (chunk := await stream.read(CHUNK_BYTES)):
        kept = (kept + chunk)[-LAST_WORDS_BYTES:]
    return kept.decode(errors="replace")
