"""Every decoder of bytes from outside: what it may raise for them, and inputs that it takes.

A decoder returns, or raises what it documents. Anything else would be a 500, a lost stream, a service that does not start
or a traceback on a command line.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from google.protobuf.message import DecodeError
from tornado.httputil import HTTPInputError

from admin_ui.people import document as people
from admin_ui.rush.progress import RunProgress
from balancer import wire as balancer_wire
from balancer.fleet.scan import PageUnusable, page_reading, scan
from balancer.forecast.prometheus_answers import AnswerUnusable, error_text, read_samples
from balancer.forecast.series_csv import BadFile, read_series
from balancer.proto import balancer_pb2
from gateway import callers
from gateway.charge import charge
from gateway.fields import InvalidFields
from gateway.listing import page
from loadtest import contract
from loadtest.events import read_event
from loadtest.paper import document as paper
from loadtest.paper.document import NotAResult
from loadtest.record import grid_reader
from loadtest.run import lease
from loadtest.send import engine
from runtime import stream_hello, trace
from runtime.frames import FrameCutter, FrameTooLong
from runtime.http_server.framing import Chunked, read_head
from runtime.json_body import MalformedJson, read_object
from runtime.response_head import ResponseUnusable, response_head
from substation import wire as substation_wire
from substation.base_load.profile_csv import ProfileUnusable, read_profile
from substation.base_load.reading import reading
from substation.proto import substation_pb2

SAMPLES = Path(__file__).parents[2] / "substation" / "base_load" / "samples"
NOW_MS = 1_764_600_000_000


@dataclasses.dataclass(frozen=True)
class Decoder:
    """A decoder, what it may raise, and inputs to begin with."""

    decode: Callable[[bytes], Any]
    raises: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def try_(self, data: bytes) -> bool:
        """Return whether `data` is accepted; raises what the decoder should not raise."""
        try:
            self.decode(data)
        except self.raises:
            return False
        return True


def _charge(data: bytes) -> None:
    charge(read_object(data), "a-key")


def _reading(data: bytes) -> None:
    reading(read_object(data), NOW_MS)


def _frames(data: bytes) -> None:
    cutter = FrameCutter(1000)
    for at in range(0, len(data), 7):
        cutter.add(data[at : at + 7])
        while cutter.next() is not None:
            pass


def _calls_to_balancer(data: bytes) -> None:
    calls, _ = balancer_wire.calls_from_message(balancer_pb2.Calls.FromString(data))
    balancer_wire.calls_to_message(calls, ())


def _answers_of_balancer(data: bytes) -> None:
    message = balancer_pb2.Answers.FromString(data)
    balancer_wire.greeting_from_message(message)
    for each in message.answers:
        balancer_wire.answer_from_message(each)


def _calls_to_substation(data: bytes) -> None:
    substation_wire.calls_to_message(
        substation_wire.calls_from_message(substation_pb2.Calls.FromString(data))
    )


def _answers_of_substation(data: bytes) -> None:
    message = substation_pb2.Answers.FromString(data)
    substation_wire.report_from_message(message.report)
    for each in message.answers:
        substation_wire.answer_from_message(each)


def _chunks(data: bytes) -> None:
    body, buffer = Chunked(), bytearray()
    for at in range(0, len(data), 5):
        buffer += data[at : at + 5]
        body.take(buffer)


def _progress(data: bytes) -> None:
    progress = RunProgress({}, "ann", 0.0)
    for line in data.splitlines():
        read_event(line)
        progress.take(line)
    json.dumps(progress.shown())


def _profile(data: bytes) -> None:
    read_profile(data.decode())


def _series(data: bytes) -> None:
    read_series(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""))


def _hello_answer(data: bytes) -> None:
    """Read an answer to a Hello as the caller does; the words of a refusal end up in a message."""
    assert isinstance(stream_hello._refusal(data), str)


def _presets(data: bytes) -> None:
    text = data.decode(errors="replace")
    contract.presets_json(contract.read_presets(text))


def _answers_to_a_load_test(data: bytes) -> None:
    text = data.decode(errors="replace")
    assert isinstance(grid_reader._book_id(text), str)
    lease._object(text)
    engine.decoded(text)


def _prometheus(data: bytes) -> None:
    error_text(data)
    read_samples(data, 0, NOW_MS)


WIRE = (DecodeError, ValueError)  # the stream ends, or the answer counts as unknown
DECODERS = {
    "charge": Decoder(
        _charge,
        (MalformedJson, InvalidFields),
        (b'{"vehicle_id": "EV-1", "energy_kwh": 1, "max_power_kw": 7, "stay_minutes": 60, "max_wait_s": 1}',),
    ),
    "base load reading": Decoder(_reading, (MalformedJson, ValueError), (b'{"kw": 5.5, "at_unix_ms": 1}',)),
    "list query": Decoder(
        lambda data: page(
            {name: [v.encode() for v in values] for name, values in parse_qs(data.decode("latin-1")).items()},
            callers.ANONYMOUS,
        ),
        (InvalidFields, ValueError),  # parse_qs
        (b"vehicle_id=EV-1&limit=5", b"cursor=abc"),
    ),
    "metrics page": Decoder(
        lambda data: page_reading(scan(data)),
        (PageUnusable, ValueError),
        (
            b'smartgrid_substation_load_watts{substation="s"} 5\nsmartgrid_substation_info{substation="s",stream=":1"} 1\n',
        ),
    ),
    "traceparent": Decoder(
        lambda data: trace.received(data.decode("latin-1"), data.decode("latin-1")),
        (),
        (b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",),
    ),
    "frames": Decoder(_frames, (FrameTooLong,), (b"\0\0\0\2ab\xff\xff\xff\xff\0\0\0\0",)),
    "calls to a balancer": Decoder(
        _calls_to_balancer,
        WIRE,
        (
            balancer_pb2.Calls(
                calls=[
                    balancer_pb2.Call(
                        number=1,
                        remaining_ms=5,
                        charge=balancer_pb2.Charge(vehicle_id="EV-1", energy_j=1, power_w=1),
                    )
                ]
            ).SerializeToString(),
        ),
    ),
    "answers of a balancer": Decoder(
        _answers_of_balancer,
        WIRE,
        (balancer_pb2.Answers(book_id="b", waiting_for=["x"]).SerializeToString(),),
    ),
    "calls to a substation": Decoder(
        _calls_to_substation,
        WIRE,
        (substation_pb2.Calls(calls=[substation_pb2.Call(number=1)]).SerializeToString(),),
    ),
    "answers of a substation": Decoder(
        _answers_of_substation,
        WIRE,
        (
            substation_pb2.Answers(
                report=substation_pb2.Report(substation_id="s", load_w=1)
            ).SerializeToString(),
        ),
    ),
    "head of a request": Decoder(
        read_head,
        (HTTPInputError,),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n",),
    ),
    "chunked body": Decoder(_chunks, (HTTPInputError,), (b"5\r\nhello\r\n0\r\n\r\n",)),
    "head of an answer": Decoder(
        lambda data: response_head(data, 1000),
        (ResponseUnusable,),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5",),
    ),
    "progress of a load test": Decoder(_progress, (), (b'{"kind": "settling", "text": "a"}\n',)),
    "base load CSV": Decoder(
        _profile,
        (ProfileUnusable, UnicodeDecodeError),
        (b"time,kw\n2016-01-11T00:00,20.48\n2016-01-11T00:15,20.35\n",),
    ),
    "history CSV": Decoder(
        _series, (BadFile, UnicodeDecodeError), (b"time,a,b\n2016-01-31T18:15,1,2\n2016-01-31T18:30,1,\n",)
    ),
    "answer of Prometheus": Decoder(
        _prometheus,
        (AnswerUnusable,),
        (
            b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2"]]}]}}',
        ),
    ),
    "hello of a caller": Decoder(
        stream_hello._hello,
        (ValueError, KeyError, TypeError, RecursionError),  # the stream is refused
        (b'{"protocol": "substation/1", "link": "l", "authorization": ""}',),
    ),
    "answer to a hello": Decoder(_hello_answer, (), (b"{}", b'{"refused": "there are too many"}')),
    "presets of a load test": Decoder(
        _presets, (), (b'{"presets": [{"name": "rush-hour", "about": "a", "requests": 5, "seconds": 1.5}]}',)
    ),
    "head of a result": Decoder(
        contract.read_result_head, (), (b'{"run_id": "a", "verdict": "passed",\n "requests": [{}]}', b"{}")
    ),
    "result of a run": Decoder(
        lambda data: paper.read(json.loads(data)),
        (NotAResult, ValueError, RecursionError),
        (b'{"version": 1}',),
    ),
    "answers to a load test": Decoder(
        _answers_to_a_load_test, (), (b'{"run_id": "x", "expires_in_s": 5}', b'{"book_id": "b"}')
    ),
    "keys file": Decoder(
        lambda data: callers.read(data.decode(errors="replace")),
        (callers.UnusableKeys,),
        (b"acme " + b"0" * 64 + b" 60 operator # a comment\n",),
    ),
    "people file": Decoder(
        lambda data: people.decode(data.decode()),
        (ValueError,),
        (
            b'{"people": [{"name": "ann", "role": "viewer", "password": "", "logins_ended": 1}], "changed_by": "x"}',
        ),
    ),
}
LONG_FIELD = b'time,kw\n"' + b"x" * (csv.field_size_limit() + 10) + b'",1\n'
# What has once been answered with another exception, or is known to be hard for such decoders.
HARD = (
    b"", b"\0", b"\xff", b"[" * 100_000, b'{"people": ' + b"[" * 100_000, b'{"data": ' + b"[" * 100_000,
    b'{"people": [{"name": "a", "role": "viewer", "password": "", "logins_ended": Infinity}]}',
    b'{"people": [{"name": "a", "role": "viewer", "password": "", "logins_ended": 1e999}]}',
    b"time,kw\n1\r2,3\n", b"time,a\n1\r2,3\n", b"time,kw\r2016-01-11T00:00,1", LONG_FIELD, LONG_FIELD.replace(b"kw", b"a"),
    b"time,kw\n0001-01-01T00:00,1\n0001-01-01T00:15,1\n", b"time,kw\n9999-12-31T23:45,1\n9999-12-31T23:50,1\n",
    b"time,a\n9999-12-31T23:45+00:00,1\n9999-12-31T23:50+00:00,1\n", b"time,a\n0001-01-01T00:00+14:00,1\n0001-01-01T00:15+14:00,1\n",
    b'{"data": {"resultType": "matrix", "result": [{"values": [[1e999, "1"]]}]}}',
    b'{"kw": 1e999}', b'{"kw": ' + b"9" * 5000 + b"}", b'{"kw": 1, "at_unix_ms": ' + b"9" * 4000 + b"}",
    b"2016-01-31T18:15+99:99", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n", b"f" * 5000 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000,
)  # fmt: skip
