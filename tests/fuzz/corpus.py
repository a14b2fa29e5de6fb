"""Inputs for a raw socket: what a service is asked for, and what a hostile client makes of it.

Pure but for the seed: the same `random.Random` gives the same inputs.
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from balancer.proto import balancer_pb2
from balancer.wire import PROTOCOL as OF_BALANCER
from runtime.frames import framed
from substation.proto import substation_pb2
from substation.wire import PROTOCOL as OF_SUBSTATION

ROUTES = Path(__file__).parents[2] / "docs" / "explanation" / "threat-model.md"
ROW = re.compile(r"^\| ([A-Z, ]+)(?: \(WebSocket\))? \| `([^`]+)` \|", re.MULTILINE)
MOST_BYTES = 100_000
BODIES = (
    b'{"vehicle_id": "EV-1", "energy_kwh": 1, "max_power_kw": 7, "stay_minutes": 60}',
    b'{"vehicle_id": "EV-2", "substations": ["substation-1"], "max_wait_s": 0}',
    b'{"capacity_kw": 100}',
    b'{"policy": "least_loaded"}',
    b'{"kw": 5, "at": "2026-01-01T00:00:00Z"}',
    b'{"run_id": "x", "lease_s": 5}',
    b'{"order": "drain", "target": "substation-1", "reason": "a test"}',
    b"name=ann&password=correct+horse+battery",
    b"{}",
    b"",
)
TOKENS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\xff\xfe", b"%00", b"%ff", b"..", b"//", b"?", b"&", b"=", b"#",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5, 5\r\n",
    b"Content-Length: 18446744073709551616\r\n", b"Content-Encoding: gzip\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Host: [::1\r\n", b"Host: \r\n", b"X: " + b"y" * 9000 + b"\r\n", b"Cookie: a=\x80;=;;\r\n",
    b"Range: bytes=9-1,-0\r\n", b'If-None-Match: *,"\r\n', b"traceparent: 00-0-0-0\r\n", b"HTTP/2.0", b"HTTP/1.1",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"0\r\n\r\n", b"ffffffff\r\n",
    b"\x81\xff", b"\x88\x02\x03\xe8", b"{", b"[" * 2000, b"1e999", b"-0", b"NaN", b'"\\ud800"', b"9" * 5000, b"\xc0\x80",
)  # fmt: skip


def routes() -> dict[str, list[tuple[str, str]]]:
    """Return method and path of every route by the listener, from the tables that are held to the code."""
    parts = re.split(r"^#### (.+)$", ROUTES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: dict[str, list[tuple[str, str]]] = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        for methods, pattern in ROW.findall(text.partition("\n## ")[0]):
            path = re.sub(r"\{(\w+)[^}]*\}", r"\1", pattern).replace("...", "substation-1")
            found.setdefault(heading, []).extend((method, path) for method in methods.split(", "))
    return found


def headings() -> list[str]:
    """Return the headings of all listeners in the threat model."""
    text = ROUTES.read_text(encoding="utf-8").partition("<!-- End of")[0]
    return re.findall(r"^#### (.+)$", text, flags=re.MULTILINE)


def seeds(listener: str, authorization: str) -> list[bytes]:
    """Return what a listener is asked for; `authorization` is for charge points."""
    if listener.endswith("stream"):
        return stream_seeds(listener)
    return http_seeds(listener, authorization if listener.startswith("Gateway") else "")


def http_seeds(listener: str, authorization: str = "") -> list[bytes]:
    """Return a request for each route of a listener, with each body where the method takes one."""
    seeds = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
    for method, path in routes()[listener]:
        more = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        more = f"{more}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" if path.endswith("stream") else ""
        more += f"Authorization: {authorization}\r\n" if authorization else ""
        for body in BODIES if method in {"POST", "PUT", "PATCH"} else (b"",):
            kind = "application/x-www-form-urlencoded" if body[:4] == b"name" else "application/json"
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}"
            length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if body else ""
            seeds.append(f"{head}{length}\r\n".encode() + body)
    return seeds


def stream_seeds(listener: str) -> list[bytes]:
    """Return what callers of a stream send: the hello, and messages after it."""
    of_balancer = listener.startswith("Balancer")
    protocol = OF_BALANCER if of_balancer else OF_SUBSTATION
    hello = framed(json.dumps({"protocol": protocol, "link": "l", "authorization": ""}).encode())
    if of_balancer:
        charge = balancer_pb2.Charge(vehicle_id="EV-1", energy_j=3_600_000, power_w=7000)
        call = balancer_pb2.Call(number=1, remaining_ms=500, charge=charge)
        messages = [
            balancer_pb2.Calls(calls=[call]).SerializeToString(),
            *(
                _with_empty(balancer_pb2.Call(number=2, remaining_ms=500), name, balancer_pb2.Calls())
                for name in balancer_pb2.Call.DESCRIPTOR.fields_by_name
            ),
        ]
    else:
        messages = [
            _with_empty(substation_pb2.Call(number=2), name, substation_pb2.Calls())
            for name in substation_pb2.Call.DESCRIPTOR.fields_by_name
        ]
    return [hello, hello + framed(b""), *(hello + framed(each) for each in messages)]


def inputs(seeds: list[bytes], random_: random.Random) -> Iterator[bytes]:
    """Yield the seeds once, and then without end what is made of them."""
    yield from seeds
    while True:
        yield mutated(random_.choice(seeds), seeds, random_)


def mutated(seed: bytes, others: list[bytes], random_: random.Random) -> bytes:
    """Return a seed after one to six changes."""
    made = bytearray(seed)
    for _ in range(random_.randint(1, 6)):
        at = random_.randint(0, len(made))
        match random_.randrange(7):
            case 0 if at < len(made):
                made[at] ^= 1 << random_.randrange(8)
            case 1:
                made[at:at] = random_.choice(TOKENS)
            case 2:
                del made[at : at + random_.randint(1, 20)]
            case 3:
                end = at + random_.randint(1, 60)
                made[at:at] = made[at:end] * random_.choice((1, 2, 50))
            case 4:
                made[at:] = random_.choice(others)
            case 5:
                made[at:at] = random_.randbytes(random_.randint(1, 30))
            case _:
                end = at + random_.randint(1, 8)
                made[at:end] = random_.choice(TOKENS)
        del made[MOST_BYTES:]
    return bytes(made)


def _with_empty(call: object, name: str, calls: object) -> bytes:
    """Return a message with one call in which the field `name` is there, and empty where it is a message."""
    field = getattr(call, name)
    if hasattr(field, "SetInParent"):
        field.SetInParent()
    calls.calls.append(call)  # type: ignore[attr-defined]
    return calls.SerializeToString()  # type: ignore[attr-defined, no-any-return]
