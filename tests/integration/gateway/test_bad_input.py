"""Whatever is sent, the answer is a problem document of the 4xx kind; nothing is placed or broken."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fields import MOST_FAULTS
from runtime.body_limit import BODY_BYTES
from tests.integration.gateway.bad_requests import GOOD, JSON, ask, refused, request

NO_BALANCER = 503  # none of these tests starts one: what gets through ends there


def field(name: str, value: str) -> bytes:
    return b'{"vehicle_id": "car-1", "%s": %s}' % (name.encode(), value.encode())


NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "text": b"charge my car",
    "cut off": GOOD[:-3],
    "two documents": GOOD * 2,
    "a comment": b"/* please */" + GOOD,
    "single quotes": b"{'vehicle_id': 'car-1'}",
    "a list": b"[]",
    "a string": b'"car-1"',
    "a number": b"1",
    "null": b"null",
    "NaN": field("energy_kwh", "NaN"),
    "Infinity": field("energy_kwh", "Infinity"),
    "-Infinity": field("energy_kwh", "-Infinity"),
    "a field twice": b'{"vehicle_id": "car-1", "vehicle_id": "car-2"}',
    "a field twice, once escaped": b'{"vehicle_id": "car-1", "vehicle\\u005fid": "car-2"}',
    "a field twice within": field("substations", '[{"a": 1, "a": 2}]'),
    "deep lists": b"[" * 30_000,
    "deep lists, closed": b"[" * 900 + b"]" * 900,
    "deep objects": b'{"a":' * 10_000,
    "deep within a field": field("substations", "[" * 1000 + "]" * 1000),
    "a number of 5000 digits": field("energy_kwh", "9" * 5000),
    "latin-1": '{"vehicle_id": "café"}'.encode("latin-1"),
    "utf-16": '{"vehicle_id": "car-1"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "overlong utf-8": b'{"vehicle_id": "\xc0\x80"}',
    "an encoded surrogate": b'{"vehicle_id": "\xed\xa0\x80"}',
    "a lone surrogate": field("vehicle_id", '"\\ud800"'),
    "a lone surrogate in a name": field("\\ud800", "1"),
    "a control character": b'{"vehicle_id": "car\x001"}',
}


@pytest.mark.gen_test
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
async def test_a_body_that_is_no_json_object_is_malformed(tmp_path: Path, body: bytes) -> None:
    refused(await ask(tmp_path, request(body)), 400, "malformed")


def wrong_values() -> Iterator[tuple[str, str]]:
    numbers = ["energy_kwh", "max_power_kw", "stay_minutes", "max_wait_s"]
    for name in numbers:
        for value in (
            "null",
            '"1"',
            "true",
            "[]",
            "{}",
            "-1",
            "-1e999",
            "1e999",
            "1e400",
            "9" * 400,
            "-0.001",
        ):
            yield name, value
    for name in numbers[:3]:
        yield name, "0"
        yield name, "1e-320"
    for value in (
        '"s-1"',
        "[]",
        "{}",
        "[1]",
        "[null]",
        "[[]]",
        '["s-1", "s-1"]',
        '["S-1"]',
        '[""]',
        '["../x"]',
    ):
        yield "substations", value
    yield "substations", json.dumps([f"s-{number}" for number in range(101)])
    yield "colour", "1"
    yield "x" * 10_000, "1"
    yield "energy_kWh", "1"


@pytest.mark.gen_test
@pytest.mark.parametrize(("name", "value"), wrong_values(), ids=lambda text: text[:20])
async def test_a_field_that_is_wrong_is_named(tmp_path: Path, name: str, value: str) -> None:
    response = await ask(tmp_path, request(field(name, value)))
    refused(response, 422, "invalid")
    ((wrong),) = response.json["errors"]
    assert wrong["field"] == json.loads(f'"{name}"')[:64]
    assert len(response.body) < 1000


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "vehicle_id",
    ["", "x" * 65, "car 1", "car\n", "café", "🚗", "\0", "\x7f", 1, None, ["car-1"], {"id": "car-1"}],
    ids=repr,
)
async def test_a_vehicle_id_is_visible_ascii(tmp_path: Path, vehicle_id: Any) -> None:
    response = await ask(tmp_path, request(json.dumps({"vehicle_id": vehicle_id}).encode()))
    refused(response, 422, "invalid")
    assert [error["field"] for error in response.json["errors"]] == ["vehicle_id"]


@pytest.mark.gen_test
async def test_thousands_of_unknown_fields_are_counted_and_not_echoed(tmp_path: Path) -> None:
    body = json.dumps({f"\U0001f697{number}" * 2: 1 for number in range(1500)}).encode()
    assert BODY_BYTES * 0.8 < len(body) < BODY_BYTES
    response = await ask(tmp_path, request(body))
    refused(response, 422, "invalid")
    missing, *unknown, more = response.json["errors"]
    assert (missing["field"], len(unknown)) == ("vehicle_id", MOST_FAULTS)
    assert more == {"field": "", "detail": f"{1500 - MOST_FAULTS} more fields are unknown"}
    assert len(response.body) < 16_000


@pytest.mark.gen_test
async def test_without_a_vehicle_id_nothing_is_charged(tmp_path: Path) -> None:
    response = await ask(tmp_path, request(b"{}"))
    refused(response, 422, "invalid")
    assert "missing" in response.json["errors"][0]["detail"]


@pytest.mark.gen_test
@pytest.mark.parametrize("size", [BODY_BYTES + 1, 1_000_000, 20_000_000])
async def test_a_body_that_is_too_large_is_413(tmp_path: Path, size: int) -> None:
    body = b'{"vehicle_id": "' + b"x" * (min(size, 2_000_000) - 18) + b'"}'
    sent = request(body).replace(b"Content-Length: %d" % len(body), b"Content-Length: %d" % size)
    refused(await ask(tmp_path, sent), 413, "too-large")


@pytest.mark.gen_test
async def test_a_chunked_body_that_is_too_large_is_413(tmp_path: Path) -> None:
    chunk = b"%x\r\n%s\r\n" % (1000, b" " * 1000)
    head = (
        f"POST /charge HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    refused(await ask(tmp_path, head + chunk * 70 + b"0\r\n\r\n"), 413, "too-large")


@pytest.mark.gen_test
async def test_a_body_as_large_as_allowed_is_read(tmp_path: Path) -> None:
    body = GOOD + b" " * (BODY_BYTES - len(GOOD))
    assert (await ask(tmp_path, request(body))).status == NO_BALANCER


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/problem+json",
        "json",
        ";",
        "\xe9",
        "application/x-www-form-urlencoded",
    ],
)
async def test_a_body_that_does_not_say_it_is_json_is_415(tmp_path: Path, media_type: str | None) -> None:
    headers = [] if media_type is None else [f"Content-Type: {media_type}"]
    refused(await ask(tmp_path, request(GOOD, *headers, json_type=False)), 415, "unsupported-media-type")


@pytest.mark.gen_test
@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
async def test_a_form_that_can_not_be_taken_apart_is_415_like_any_other(
    tmp_path: Path, media_type: str
) -> None:
    sent = request(GOOD, f"Content-Type: {media_type}", json_type=False)
    refused(await ask(tmp_path, sent), 415, "unsupported-media-type")


@pytest.mark.gen_test
@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON ; charset=utf-8"])
async def test_json_by_any_of_its_spellings_is_taken(tmp_path: Path, media_type: str) -> None:
    sent = request(GOOD, f"Content-Type: {media_type}", json_type=False)
    assert (await ask(tmp_path, sent)).status == NO_BALANCER


@pytest.mark.gen_test
@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "caf\xe9", "a\tb"], ids=repr)
async def test_a_key_that_is_not_visible_ascii_is_malformed(tmp_path: Path, key: str) -> None:
    refused(await ask(tmp_path, request(GOOD, f"Idempotency-Key: {key}")), 400, "malformed")


@pytest.mark.gen_test
async def test_two_keys_are_malformed(tmp_path: Path) -> None:
    sent = request(GOOD, "Idempotency-Key: a", "Idempotency-Key: b")
    refused(await ask(tmp_path, sent), 400, "malformed")


@pytest.mark.gen_test
@pytest.mark.parametrize("key", ["a", "x" * 255, 'a,b;c="d"\'{}~!'])
async def test_any_visible_ascii_is_a_key(tmp_path: Path, key: str) -> None:
    assert (await ask(tmp_path, request(GOOD, f"Idempotency-Key: {key}"))).status == NO_BALANCER
