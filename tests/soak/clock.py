"""The wall clock of the services, which is put forward while they run: old records become old without a year of waiting."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock_shim.c")
BYTES = struct.calcsize("=q")


def compiled(folder: Path) -> Path:
    """Return the library that puts the clock forward; raises OSError without a C compiler."""
    compiler = shutil.which("cc")
    if not compiler:
        raise OSError("no C compiler (cc): the wall clock is put forward by a small C library")
    made = folder / "clock_shim.so"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made), str(SOURCE), "-ldl"]
    subprocess.run([compiler, *options], check=True)
    return made


class WallClock:
    """A wall clock that may be ahead; processes that were started with `environ` have it."""

    def __init__(self, folder: Path) -> None:
        """Compile the library in `folder`; raises OSError."""
        self.ahead_s = 0
        self._path = folder / "ahead"
        self._path.write_bytes(struct.pack("=q", 0))
        self.environ = {"LD_PRELOAD": str(compiled(folder)), "WALL_CLOCK_AHEAD": str(self._path)}

    def put_forward(self, seconds: int) -> None:
        """Put it forward, for all processes at once."""
        self.ahead_s += seconds
        with self._path.open("r+b") as file, mmap.mmap(file.fileno(), BYTES) as mapped:
            mapped[:] = struct.pack("=q", self.ahead_s)
