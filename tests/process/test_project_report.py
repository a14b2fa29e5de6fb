"""`make report` as one command: measures on a grid of its own, and prints a PDF with numbered pages and bookmarks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.loadtest import documents
from tests.support import chromium, template
from tests.support.grid import LIMIT_S, ROOT


def report(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "GATEWAY_URL"} | environment
    command = [sys.executable, "-m", "deploy.local.project_report", *options]
    return template.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=3 * LIMIT_S, check=False
    )


def bookmarks(pdf: Path) -> int:
    assert b"/Outlines" in pdf.read_bytes()
    return len(re.findall(rb"/Title ", pdf.read_bytes()))


def test_a_short_rush_hour_is_measured_until_the_cars_have_left_and_printed(tmp_path: Path) -> None:
    chromium.path()
    pdf, kept = tmp_path / "report.pdf", tmp_path / "kept.json"
    ended = report(
        "--no-comparison",
        "--output",
        str(pdf),
        "--keep",
        str(kept),
        "--requests",
        "20",
        "--seconds",
        "1",
        TIME_SCALE="5000",
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert bookmarks(pdf) > 10
    told = json.loads(kept.read_text())
    assert told["document"]["result"]["admitted"] == 20
    assert told["own_grid"] is True
    assert "comparison" not in told
    loads = [each["load_kw"] for each in told["fleet"]]
    assert loads[-1] < 0.02 * 4200


def test_a_result_is_printed_without_measuring_and_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    chromium.path()
    result, pdf = tmp_path / "result.json", tmp_path / "report.pdf"
    result.write_text(json.dumps(documents.full()))
    assert report("--result", str(result), "--output", str(pdf)).returncode == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    result.write_text("[]")
    ended = report("--result", str(result), "--output", str(pdf))
    assert ended.returncode == 1
    assert "No report: this is not the document of a run" in ended.stderr


def test_without_chromium_it_says_what_to_install(tmp_path: Path) -> None:
    ended = report("--output", str(tmp_path / "report.pdf"), PATH=str(tmp_path), CHROMIUM="")
    assert ended.returncode == 2
    assert "Chromium is needed" in ended.stderr
