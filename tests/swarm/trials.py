"""The trials of a stack on a Swarm; each returns the figures that it measured, or fails."""

import json
import secrets
import sqlite3
import time
from collections import Counter
from typing import Any

from tests.containers.composition import IMAGE, holds, until
from tests.support.cars import Car
from tests.support.commands import output
from tests.support.grid import most_at_once
from tests.support.reserved import journaled, promised
from tests.swarm.client import Client, history
from tests.swarm.nodes import Node
from tests.swarm.stack import CAPACITY_KW, PROMETHEUS_FILE, Stack

NEXT = f"{IMAGE}-next"
PROMETHEUS = "prom/prometheus:v2.53.4"
PER_S = 6.0  # cars of 22 kW for 25 s: more than two substations of three can take
AT_ONCE = 100  # cars that ask when the node is cut off, so that some of them are in flight
STRUCK_AFTER_S = 0.05
HELD_S = 10.0  # of a stream before anything happens to it, and after
UP_WITHIN_S = 180.0
EMPTY_WITHIN_S = 240.0
DOWN_WITHIN_S = 90.0  # the engine gives a node up after some 15 s
UPDATED_WITHIN_S = 300.0

Figures = dict[str, Any]


class Life:
    """One stack from its first deployment to its end, with the answers that its clients got."""

    def __init__(self, stack: Stack, image: str, *, full: bool) -> None:
        self.stack = stack
        self.image = image
        self.full = full
        self.admitted: list[Car] = []

    def images(self) -> Figures:
        """Build the image, or take the one that was named, and another one for the update, to every node."""
        if not self.image:
            self.image = IMAGE
            output("docker", "build", "--quiet", "--tag", IMAGE, ".")
        another = f"FROM {self.image}\nLABEL trial=next\n"
        output("docker", "build", "--quiet", "--tag", NEXT, "-", given=another.encode())
        for node in self.stack.nodes.all:
            node.take(self.image, NEXT)
        promised = {"nodes": ", ".join(node.name for node in self.stack.nodes.all)}
        if present(PROMETHEUS):
            self.stack.nodes.manager.take(PROMETHEUS)
            return promised | {"images": f"{self.image}, {NEXT}, {PROMETHEUS}"}
        self.stack.files.remove(PROMETHEUS_FILE)
        return promised | {"images": f"{self.image}, {NEXT}", "left out, for want of an image": PROMETHEUS}

    def deployed(self) -> Figures:
        """Label the nodes and deploy: a substation on each is in use, and each has a gateway that answers."""
        stack = self.stack
        for node in stack.nodes.all:
            stack.label(node, "substation")
        stack.label(stack.nodes.manager, "balancer")
        begun = time.monotonic()
        stack.deploy(self.image)
        until(stack.settled, "a substation in use on each node", UP_WITHIN_S)
        used_s = time.monotonic() - begun
        until(lambda: all(self._gateway_answers(node) for node in stack.nodes.all), "a gateway on each node")
        return {
            "in use after": f"{used_s:.1f} s",
            "gateways on all nodes after": f"{time.monotonic() - begun:.1f} s",
            "states": stack.states(),
        }

    def rush_hour(self) -> Figures:
        """The load test in the console's container, which knows the grid and its secrets."""
        size = () if self.full else ("--requests", "100", "--seconds", "10")
        manager = self.stack.nodes.manager
        until(lambda: self.stack.container("admin_ui", manager), "a console")
        manager.docker(
            "exec",
            self.stack.container("admin_ui", manager),
            "python",
            "-m",
            "loadtest",
            "rush-hour",
            *size,
        )
        return {"rush hour": "full" if self.full else "100 cars in 10 s", "thresholds": "held"}

    def cut_off(self) -> Figures:
        """A node with a substation is cut off the network under a stream of cars, and healed."""
        stack, nodes = self.stack, self.stack.nodes
        figures = {"before": stack.states(), "cut off": nodes.victim.name}
        with self._cars("cut") as stream:
            figures["before, under load"] = stack.states()
            stream.tell(str(AT_ONCE))
            time.sleep(STRUCK_AFTER_S)
            nodes.cut()
            try:
                seen_s = until(lambda: nodes.victim.name not in stack.in_use(), "it is out of use")
                down_s = until(lambda: nodes.state(nodes.victim) == "down", "the node is down", DOWN_WITHIN_S)
                figures["cut"] = stack.states()
            finally:
                nodes.heal()
            back_s = until(stack.settled, "all in use again", UP_WITHIN_S)
            figures["healed"] = stack.states()
            time.sleep(HELD_S)
            asked = history(stream.end())
        return (
            figures
            | {
                "out of use after": f"{seen_s:.1f} s",
                "given up by the engine after": f"{seen_s + down_s:.1f} s",
                "in use again, after it was healed": f"{back_s:.1f} s",
            }
            | self._answers(*asked)
            | self.held()
        )

    def updated(self) -> Figures:
        """Every service is brought to another image under a stream of cars."""
        stack = self.stack
        figures = {"before": stack.states()}
        with self._cars("update") as stream:
            figures["before, under load"] = stack.states()
            before = stack.journals()
            stack.deploy(NEXT)
            updated_s = until(lambda: stack.updated_to(NEXT), f"all tasks of {NEXT}", UPDATED_WITHIN_S)
            until(stack.settled, "all in use again", UP_WITHIN_S)
            figures["updated"] = stack.states()
            time.sleep(HELD_S)
            asked = history(stream.end())
        after = stack.journals()
        kept = {name: ids(rows) & ids(after[name]) for name, rows in before.items()}
        assert kept == {name: ids(rows) for name, rows in before.items()}, "a substation came back with less"
        return (
            figures
            | {
                "updated after": f"{updated_s:.1f} s",
                "earlier sessions that each has": {name: len(each) for name, each in kept.items()},
            }
            | self._answers(*asked)
            | self.held()
        )

    def watched(self) -> Figures:
        """Prometheus finds every task by its service's name, and its rules have no fault."""
        if PROMETHEUS_FILE not in self.stack.files:
            return {"not tried": "no image"}
        nodes = len(self.stack.nodes.all)
        wanted = {"substation": nodes, "gateway": nodes, "balancer": 1, "admin_ui": 1, "prometheus": 1}

        def up() -> dict[str, int]:
            targets = self._prometheus("targets?state=active")["activeTargets"]
            return Counter(each["labels"]["job"] for each in targets if each["health"] == "up")

        until(lambda: up() == wanted, f"targets {wanted}")
        groups = self._prometheus("rules")["groups"]
        states = Counter(rule["health"] for group in groups for rule in group["rules"])
        assert states
        assert "err" not in states, states
        return {"targets up": dict(up()), "rules": dict(states)}

    def console(self) -> Figures:
        """Somebody is let in, and presses the button; the cars have gone by then, or are waited for."""
        node, password = self.stack.nodes.manager, secrets.token_urlsafe(18)
        add = ("python", "-m", "admin_ui.people", "add", "ann", "--role", "operator")
        node.docker(
            "exec", "-i", self.stack.container("admin_ui", node), *add, given=f"{password}\n".encode()
        )
        with self._client("visit", "http://tasks.admin_ui:8080", "ann") as visit:
            ended = json.loads(visit.end(password.encode()))
        assert (ended["verdict"], ended["admitted"]) == ("held", 60), ended
        return {"verdict": ended["verdict"], "admitted": ended["admitted"]} | self.held()

    def held(self) -> Figures:
        """Compare the answers with the journals: nothing is lost or doubled, and no substation is overloaded."""
        journals = self.stack.journals()
        by_car = [
            {body["session_id"] for status, body in car.answers if status == 201} for car in self.admitted
        ]
        sessions = set[str]().union(*by_car)
        assert {len(answered) for answered in by_car} == {1}, "a key got two sessions"
        assert len(sessions) == len(self.admitted), "two keys got one session"
        vehicles = {car.wish["vehicle_id"] for car in self.admitted}
        kept = [row for rows in journals.values() for row in rows if row["vehicle_id"] in vehicles]
        lost = sessions - {row["session_id"] for row in kept}
        assert not lost, f"{len(lost)} of {len(sessions)} sessions are in no journal: {sorted(lost)[:5]}"
        doubled = [name for name, count in Counter(row["vehicle_id"] for row in kept).items() if count > 1]
        assert not doubled, f"{len(doubled)} keys have several sessions: {doubled[:5]}"
        peaks = {name: self._peaks(name, rows) for name, rows in journals.items()}
        assert all(max(peak) <= CAPACITY_KW * 1000 for peak in peaks.values()), f"overload, in W: {peaks}"
        return {
            "sessions answered and kept": f"{len(sessions)} of {len(sessions)}, none twice",
            f"peak of {CAPACITY_KW} kW, by the journal and by its clients": ", ".join(
                f"{name} {journal / 1000:.1f} and {clients / 1000:.1f} kW"
                for name, (journal, clients) in peaks.items()
            ),
        }

    def _peaks(self, name: str, rows: list[sqlite3.Row]) -> tuple[int, int]:
        bodies = [
            car.session for car in self.admitted if car.session and car.session["substation_id"] == name
        ]
        return (
            most_at_once([part for row in rows for part in journaled(row)]),
            most_at_once([part for body in bodies for part in promised(body)]),
        )

    def _answers(self, asked: list[Car], unanswered: int) -> Figures:
        answers = Counter(answer for car in asked for answer in map(kind, car.answers))
        last = Counter(map(kind, (answer for car in asked if not car.session for answer in car.answers[-1:])))
        unsettled = [car.key for car in asked if not car.session]
        assert not unsettled, (
            f"never admitted: {len(unsettled)} of {len(asked)} cars: {last}: {unsettled[:5]}"
        )
        self.admitted += asked
        return {"cars": len(asked), "answers": dict(sorted(answers.items())), "not answered": unanswered}

    def _prometheus(self, path: str) -> dict[str, Any]:
        probe = ("python", "-m", "runtime.probe", f"http://tasks.prometheus:9090/api/v1/{path}")
        page = self.stack.nodes.manager.docker(
            "run", "--rm", "--network", self.stack.network, self.image, *probe
        )
        promised: dict[str, Any] = json.loads(page)["data"]
        return promised

    def _client(self, *command: str) -> Client:
        return Client(self.stack.nodes.manager, self.stack.network, self.image, *command)

    def _cars(self, name: str) -> Client:
        """Start a stream of cars on an empty fleet, and let some be admitted.

        A refused car may have to come back when the longest session has ended: none may be longer than theirs.
        """
        until(self._empty, "all earlier cars gone", EMPTY_WITHIN_S)
        stream = self._client("stream", "http://tasks.gateway:8000", name, str(PER_S))
        time.sleep(HELD_S)
        return stream

    def _empty(self) -> bool:
        return not any(each["sessions"] for each in self.stack.fleet().values())

    def _gateway_answers(self, node: Node) -> bool:
        page = ("python", "-m", "runtime.probe", "http://127.0.0.1:8000/readyz")
        return holds(lambda: node.docker("run", "--rm", "--network=host", self.image, *page))


def present(image: str) -> bool:
    """Whether the engine of DOCKER_HOST has an image, or gets it."""
    return bool(output("docker", "image", "inspect", image, check=False).strip(b"[]\n")) or holds(
        lambda: output("docker", "pull", "--quiet", image)
    )


def kind(answer: tuple[int, dict[str, Any]]) -> str:
    """Return an answer's status, and what was wrong."""
    status, body = answer
    return f"{status} {str(body.get('type', '')).rpartition(':')[2]}".strip()


def ids(rows: list[sqlite3.Row]) -> set[str]:
    """Return the ids of sessions."""
    return {row["session_id"] for row in rows}
