"""Reads the command blocks of a Markdown page: the commands that a reader types, and the output that the page shows.

A block is fenced as `sh` (a script), `console` (lines after `$` are typed, the others are output), `python` or
`json` (a sample of an answer). A comment before the fence may say how a test has to treat it:

    <!-- not run: REASON -->        it is left out
    <!-- left running -->           it starts a grid, which runs until the end of the page
    <!-- the grid is stopped -->    it needs the grid to be stopped
"""

import dataclasses
import re

BLOCK = re.compile(
    r"^(?:(?P<in>[ ]*)<!-- (?P<marker>[^>]+) -->\n)?(?P<indent>[ ]*)```(?P<kind>sh|console|python|json)\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
NOT_RUN = "not run: "
LEFT_RUNNING = "left running"
GRID_STOPPED = "the grid is stopped"
MARKERS = (LEFT_RUNNING, GRID_STOPPED)


@dataclasses.dataclass(frozen=True)
class Command:
    """One command, and the lines of output that the page shows below it."""

    typed: str
    shown: str = ""


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block; `marker` is the comment before it, '' if there is none."""

    kind: str
    marker: str
    commands: tuple[Command, ...]

    @property
    def reason(self) -> str:
        """The reason why the block is not run, '' when it is."""
        return self.marker.removeprefix(NOT_RUN) if self.marker.startswith(NOT_RUN) else ""


def blocks(markdown: str) -> list[Block]:
    """Return the blocks of a page in their order; raises ValueError for an unknown marker."""
    return [_block(found) for found in BLOCK.finditer(markdown)]


def _block(found: re.Match[str]) -> Block:
    marker = found["marker"] or ""
    if marker and marker not in MARKERS and not marker.startswith(NOT_RUN):
        raise ValueError(marker)
    text = "\n".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines())
    commands = _typed(text) if found["kind"] == "console" else [Command(text)]
    return Block(found["kind"], marker, tuple(commands))


def _typed(text: str) -> list[Command]:
    """Return the commands of a console block: a line after `$`, with those that continue it."""
    commands: list[Command] = []
    continues = False
    for line in text.splitlines():
        last = commands[-1] if commands else Command("")
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif continues:
            commands[-1] = Command(f"{last.typed}\n{line}")
        else:
            commands[-1] = Command(last.typed, f"{last.shown}{line}\n")
        continues = line.endswith("\\")
    return commands


KEY = re.compile(r'"(\w+)":')
WORD = re.compile(r"[a-z]{4,}", re.IGNORECASE)
A_RUN = re.compile(r"\d{8}T\d{6}Z")  # a line about one run: another run has other words


def lacks(shown: str, answer: str) -> set[str]:
    """Return the differences between the output on a page and the real one: missing and additional fields, and words.

    Where `...` stands within a line, fields may be left out. A line that ends in `:` is a prompt.
    """
    fields, answered = set(KEY.findall(shown)), set(KEY.findall(answer))
    if fields:
        return fields - answered if ", ..." in shown or "[..." in shown else fields ^ answered
    lines = [
        line for line in shown.splitlines() if not line.rstrip().endswith(":") and not A_RUN.search(line)
    ]
    return set(WORD.findall("\n".join(lines))) - set(WORD.findall(answer))
