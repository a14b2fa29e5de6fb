"""`python -m tests.bench [section ...]`: measures, prints one table, and writes it as JSON.

QUICK=1 makes rounds short. Without names every section is measured, and docs/PERFORMANCE.md gets the table.
"""

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from deploy.local import machine
from tests.bench import curves
from tests.bench.table import Row, markdown

ROOT = Path(__file__).parents[2]
SECTIONS = (
    "admission",
    "substation",
    "order_book",
    "fleet",
    "console",
    "memory",
)  # modules here with `rows(folder, say, quick=...)`
JSON = ROOT / "docs" / "benchmark.json"
PAGE = ROOT / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"


def main(names: list[str]) -> int:
    """Measure the named sections, or all; returns the exit code."""
    console = Console(stderr=True)
    if unknown := [name for name in names if name not in SECTIONS]:
        console.print(f"There is no section {', '.join(unknown)}. There are: {', '.join(SECTIONS)}.")
        return 2
    quick = os.environ.get("QUICK", "") not in {"", "0"}
    found: list[Row] = []
    for name in names or SECTIONS:
        module = importlib.import_module(f"tests.bench.{name}")
        with tempfile.TemporaryDirectory() as folder, console.status(f"{name} ...") as status:
            found += module.rows(
                Path(folder), lambda text, n=name: status.update(f"{n}: {text}"), quick=quick
            )
    found.sort(key=lambda row: row.number)
    print(markdown(found))
    if not names and not quick:
        keep(found)
    return 0


def keep(rows: list[Row]) -> None:
    """Write the table into the page and the figures into JSON."""
    facts = machine.describe()
    JSON.write_text(json.dumps({"machine": facts, "rows": [row.document() for row in rows]}, indent=1) + "\n")
    measured = "; ".join(f"{name}: {fact}" for name, fact in facts.items())
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    curves.draw(rows)
    PAGE.write_text(f"{before}{BEGIN}\n{measured}\n\n{markdown(rows)}\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
