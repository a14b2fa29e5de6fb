"""The real Prometheus, scraping one grid every second, with its data in a folder of the test."""

import json
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

from tests.support.grid import LIMIT_S, Grid, free_range, status, until

PROGRAM = shutil.which("prometheus")
CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}}
scrape_configs:
"""
JOB = "  - {{job_name: {job}, static_configs: [{{targets: {targets}}}]}}\n"


class Scraper:
    """One Prometheus; `start` it beside a grid that runs, `stop` it at the end."""

    def __init__(self, folder: Path, grid: Grid) -> None:
        jobs = {
            "gateway": [grid.gateway], "balancer": [grid.balancer], "substation": grid.substations,
            "admin_ui": [grid.console],
        }  # fmt: skip
        self.url = f"http://127.0.0.1:{free_range(1)}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        text = CONFIGURATION.format()
        for job, urls in jobs.items():
            text += JOB.format(job=job, targets=json.dumps([url.removeprefix("http://") for url in urls]))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(text)

    def start(self) -> None:
        """Start it and wait until every target was scraped."""
        assert PROGRAM
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM, f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/data",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        until(lambda: status(f"{self.url}/-/ready") == 200)
        until(self._all_up)

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(LIMIT_S)

    def _all_up(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/api/v1/targets?state=active", timeout=5) as answer:
            targets = json.load(answer)["data"]["activeTargets"]
        return bool(targets) and all(target["health"] == "up" for target in targets)
