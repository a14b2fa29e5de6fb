"""The trials of a composition; each returns the figures that it measured, or fails."""

import json
import re
import time
from pathlib import Path
from typing import Any

from tests.containers.browser import Browser
from tests.containers.composition import IMAGE, Composition, ask, holds, number, until
from tests.support.cars import Car, cars, rush
from tests.support.composition import services

BASE = "python:3.11-slim-bookworm"
MOST_MB = 150
UID = 10001
OTHERS = ("prometheus", "grafana")
LONG = {"energy_kwh": 60.0}  # at 120 times the clock, minutes: longer than any trial
SHORT = {"energy_kwh": 1.0}  # seconds
INSIDE = """
import json, os, pathlib, shutil
app = pathlib.Path("/app")
print(json.dumps({
    "uid": os.getuid(),
    "tools": [name for name in ("gcc", "cc", "g++", "make", "/opt/grid/bin/pip") if shutil.which(name)],
    "caches": [str(path) for path in (pathlib.Path("/tmp"), pathlib.Path("/data")) if any(path.iterdir())],
    "without bytecode": [str(path) for path in app.rglob("*.py") if not list(path.parent.glob(f"__pycache__/{path.stem}.*"))],
}))
"""

Figures = dict[str, Any]


class Life:
    """One composition from its first start to its end, with the answers that its clients got."""

    def __init__(self, composition: Composition, scratch: Path, *, full: bool) -> None:
        self.composition = composition
        self.scratch = scratch
        self.full = full
        self.lacking: list[str] = []
        self.admitted: list[Car] = []

    def build(self) -> Figures:
        """Build the image, and look at it."""
        run = self.composition.run
        run("docker", "build", "--quiet", "--tag", IMAGE, ".")
        image, base = (json.loads(run("docker", "image", "inspect", name))[0] for name in (IMAGE, BASE))
        on_top_mb = (image["Size"] - base["Size"]) / 1e6
        assert on_top_mb < MOST_MB
        assert image["Config"]["User"] == f"{UID}:{UID}"
        assert image["Config"]["Labels"]["org.opencontainers.image.licenses"]
        found = run("docker", "run", "--rm", "--network=none", IMAGE, "python", "-c", INSIDE)
        assert json.loads(found) == {"uid": UID, "tools": [], "caches": [], "without bytecode": []}
        return {"on top of the base": f"{on_top_mb:.0f} MB", "uid": UID, "compilers, pip, caches": "none"}

    def images(self) -> Figures:
        """Get the images of others; what this engine can't get is left out, and said."""
        others = {name: each["image"] for name, each in services().items() if name in OTHERS}
        self.lacking = [name for name, image in others.items() if not self.composition.has(image)]
        if self.lacking:
            self.composition.leave_out(self.lacking, self.scratch)
        there = [image for name, image in others.items() if name not in self.lacking]
        return {
            "there": ", ".join(there),
            "left out, for want of an image": ", ".join(self.lacking) or "none",
        }

    def up(self) -> Figures:
        """Start all, and charge as soon as somebody answers."""
        begun = time.monotonic()
        start = self.composition.start("up", "--detach", "--wait", "--wait-timeout", "120")
        until(lambda: self.charge("first", **LONG), "an admitted car")
        first_s = time.monotonic() - begun
        assert start.wait(180) == 0
        healthy_s = time.monotonic() - begun
        until(lambda: len(self.composition.healthy()) == 3, "three substations in use")
        return {
            "first admitted car after": f"{first_s:.1f} s",
            "all healthy after": f"{healthy_s:.1f} s",
            "in use": ", ".join(sorted(self.composition.healthy())),
        }

    def shut_in(self) -> Figures:
        """Every container is what the file says, for the engine and from the inside."""
        names = []
        listed = self.composition.compose("ps", "--services").split()
        for container in [each for name in listed for each in self.composition.containers(name)]:
            host = container["HostConfig"]
            assert host["ReadonlyRootfs"]
            assert host["CapDrop"] == ["ALL"]
            assert not host["CapAdd"]
            assert host["SecurityOpt"] == ["no-new-privileges:true"]
            assert host["Memory"] > 0
            assert host["PidsLimit"] > 0
            bound = [each["HostIp"] for port in (host["PortBindings"] or {}).values() for each in port]
            assert set(bound) <= {"127.0.0.1"}
            names.append(container["Name"])
        script = (
            "import pathlib; fields = dict(line.split(':', 1) for line in open('/proc/self/status'));"
            "print(fields['CapEff'].strip(), fields['NoNewPrivs'].strip());"
            "pathlib.Path('/app/x').write_text('')"
        )
        (gateway,) = self.composition.containers("gateway")
        run = self.composition.run
        inside = run("docker", "exec", gateway["Id"], "python", "-c", script, check=False)
        assert inside.split() == ["0" * 16, "1"], inside
        assert not holds(lambda: run("docker", "exec", gateway["Id"], "python", "-c", script))
        return {
            "containers": len(names),
            "capabilities": "none",
            "root": "read-only",
            "published on": "127.0.0.1",
        }

    def same_key(self) -> Figures:
        """One key gives one session."""
        car = self.admitted[0]
        status, again = ask(
            "POST", f"{self.composition.gateway}/charge", car.wish, {"Idempotency-Key": car.key}
        )
        assert (status, again) == (201, car.session)
        return {"asked twice": "one session"}

    def watched(self) -> Figures:
        """Prometheus finds every substation by its name, as the balancer does."""
        if "prometheus" in self.lacking:
            return {"not tried": "no image"}

        def targets() -> dict[str, list[str]]:
            status, page = ask("GET", f"{self.composition.prometheus}/api/v1/targets?state=active")
            assert status == 200
            found = dict[str, list[str]]()
            for each in page["data"]["activeTargets"]:
                found.setdefault(each["labels"]["job"], []).append(each["health"])
            return found

        until(lambda: targets().get("substation") == ["up"] * 3, "three substations in Prometheus")
        jobs = ("balancer", "gateway", "admin_ui", "prometheus")
        until(lambda: all(targets().get(job) == ["up"] for job in jobs), "every service in Prometheus")
        query = f"{self.composition.prometheus}/api/v1/query?query=smartgrid_substation_capacity_watts"
        until(lambda: len(ask("GET", query)[1]["data"]["result"]) == 3, "three capacities in Prometheus")
        _, rules = ask("GET", f"{self.composition.prometheus}/api/v1/rules")
        states = [rule["health"] for group in rules["data"]["groups"] for rule in group["rules"]]
        assert "err" not in states
        return {"targets up": {name: len(each) for name, each in targets().items()}, "rules": len(states)}

    def rush_hour(self) -> Figures:
        """The load test as a service of its own."""
        size = () if self.full else ("--requests", "100", "--seconds", "10")
        self.composition.compose(
            "run", "--rm", "-T", "loadtest", "python", "-m", "loadtest", "rush-hour", *size
        )
        listed = self.composition.compose("run", "--rm", "-T", "loadtest", "python", "-m", "loadtest", "runs")
        assert "rush-hour" in listed
        return {"rush hour": "full" if self.full else "100 cars in 10 s", "thresholds": "held"}

    def button(self) -> Figures:
        """The button on the console: log in by the link that `setup` printed, start, read the report."""
        self._send_cars_away()  # a rush hour waits for a nearly empty fleet
        printed = self.composition.compose("logs", "--no-log-prefix", "setup")
        browser = Browser(self.composition.console, re.findall(r"/enter\?token=\S+", printed)[-1])
        run_id = browser.rush_hour(60, 6)
        until(lambda: browser.run(run_id)["verdict"] != "no end", "the end of the rush hour")
        ended = browser.run(run_id)
        assert (ended["verdict"], ended["admitted"]) == ("held", 60), ended
        report = browser.asked(f"/runs/{run_id}/report.html")
        assert run_id in report
        return {
            "run": run_id,
            "verdict": ended["verdict"],
            "admitted": 60,
            "report": f"{len(report) // 1024} KiB",
        }

    def killed(self) -> Figures:
        """kill -9 a substation while cars are being admitted: it returns under its id, with its sessions."""
        before = self.composition.substations()
        name, victim = sorted(before.items())[1]
        wishing = cars(60, "killed", **LONG)
        unanswered = rush(
            self.composition.gateway,
            wishing,
            after=10,
            strike=lambda: self.composition.kill(victim),
            each_s=0.005,
        )
        self.admitted += wishing
        seconds = until(lambda: len(self.composition.healthy()) == 3, "three substations after the kill")
        after = self.composition.substations()
        assert after.keys() == before.keys()
        again = after[name]
        assert again["Id"] == victim["Id"]
        assert again["RestartCount"] == victim["RestartCount"] + 1
        return {
            "killed": name,
            "unanswered then": unanswered,
            "back after": f"{seconds:.1f} s",
        } | self.nothing_lost()

    def scaled(self) -> Figures:
        """3 -> 5, cars on all, two drained, 5 -> 3."""
        self.composition.compose("up", "--detach", "--no-recreate", "--scale", "substation=5")
        up_s = until(lambda: len(self.composition.healthy()) == 5, "five substations in use")
        wishing = cars(50, "scaled", **SHORT)
        rush(self.composition.gateway, wishing, after=1, strike=lambda: None)
        self.admitted += wishing
        figures = {"states with five": self._states()}
        five = self.composition.substations()
        placed = {(car.session or {})["substation_id"] for car in wishing}
        going = sorted(five, key=lambda name: number(five[name]))[3:]
        assert set(going) <= placed
        for name in going:
            self.composition.order(f"/fleet/{name}/drain")
        drain_s = until(
            lambda: not any(self.composition.fleet()[name]["sessions"] for name in going), "drained"
        )
        figures["states when drained"] = self._states()
        figures |= self.nothing_lost()
        self.composition.compose("up", "--detach", "--no-recreate", "--scale", "substation=3")
        down_s = until(lambda: len(self.composition.healthy()) == 3, "three substations in use again")
        assert set(self.composition.substations()) == set(five) - set(going)
        self.admitted = [car for car in self.admitted if (car.session or {})["substation_id"] not in going]
        return figures | {
            "five after": f"{up_s:.1f} s",
            "empty after": f"{drain_s:.1f} s",
            "three after": f"{down_s:.1f} s",
        }

    def balancer_restarted(self) -> Figures:
        """A balancer that is restarted while cars ask."""
        wishing = cars(60, "restarted", **LONG)
        unanswered = rush(
            self.composition.gateway,
            wishing,
            after=10,
            strike=self._restart_balancer,
            each_s=0.005,
        )
        self.admitted += wishing
        until(lambda: len(self.composition.healthy()) == 3, "three substations after the restart")
        return {"unanswered then": unanswered} | self.same_key() | self.nothing_lost()

    def down_and_up(self) -> Figures:
        """`down` and `up`: the volumes have it all."""
        before = {name: each["sessions"] for name, each in self.composition.fleet().items()}
        self.composition.compose("stop")
        codes = self._exit_codes()
        assert set(codes.values()) == {0}, codes
        self.composition.compose("down")
        self.composition.compose("up", "--detach", "--wait", "--wait-timeout", "120")
        until(lambda: len(self.composition.healthy()) == 3, "three substations after all was down")
        after = {name: each["sessions"] for name, each in self.composition.fleet().items()}
        return (
            {"open before": before, "open after": after, "exit codes": "0"}
            | self.same_key()
            | self.nothing_lost()
        )

    def charge(self, name: str, **wish: Any) -> bool:
        """Have one car admitted."""
        (car,) = cars(1, name, **wish)
        car.answers.append(
            ask("POST", f"{self.composition.gateway}/charge", car.wish, {"Idempotency-Key": car.key})
        )
        if car.session:
            self.admitted.append(car)
        return bool(car.session)

    def nothing_lost(self) -> Figures:
        """Compare the sessions in the answers with those of the substations."""
        answered = [(car.session or {})["session_id"] for car in self.admitted]
        vehicles = {car.wish["vehicle_id"] for car in self.admitted}
        kept = [each for each in self.composition.journal() if each["vehicle_id"] in vehicles]
        assert len(set(answered)) == len(self.admitted)
        assert sorted(each["session_id"] for each in kept) == sorted(answered)
        return {"sessions answered and kept": f"{len(answered)} of {len(answered)}, none twice"}

    def _send_cars_away(self) -> None:
        mine = {car.wish["vehicle_id"] for car in self.admitted}
        for each in self.composition.journal():
            if not each["ended_unix_ms"] and each["vehicle_id"] not in mine:
                assert ask("DELETE", f"{self.composition.gateway}/charge/{each['session_id']}")[0] == 200

    def _restart_balancer(self) -> None:
        self.composition.compose("restart", "balancer")

    def _states(self) -> str:
        return ", ".join(
            f"{name} {each['state']}{' draining' if each.get('draining') else ''} {each['sessions']}"
            for name, each in sorted(self.composition.fleet().items())
        )

    def _exit_codes(self) -> dict[str, int]:
        rows = self.composition.compose("ps", "--all", "--format", "json").splitlines()
        return {each["Name"]: each["ExitCode"] for each in map(json.loads, rows)}
