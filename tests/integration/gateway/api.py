"""A client of the public API that holds every answer to the OpenAPI description."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from tornado.httputil import HTTPHeaders

from tests.integration.balancer.grid import HOST, Grid, Plan, running

PROBLEM = "application/problem+json"
CAR = {"vehicle_id": "car-1", "energy_kwh": 22, "max_power_kw": 11}


@dataclasses.dataclass(frozen=True)
class Response:
    """One answer."""

    status: int
    headers: HTTPHeaders
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """What kind of problem it is."""
        return str(self.json["type"]).rpartition(":")[2]


class Contract:
    """The OpenAPI description, as a judge of answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def check(self, method: str, path: str, response: Response) -> None:
        """Fail when an answer of one of the described paths is not as described."""
        template = "/charge" if path.partition("?")[0] == "/charge" else "/charge/{session_id}"
        operation = self._document["paths"][template].get(method.lower())
        if operation is None:
            self._valid({"$ref": "#/components/schemas/Problem"}, response)
            assert response.status == 405
            return
        described = operation["responses"].get(str(response.status))
        assert described, f"{method} {template} does not describe {response.status}"
        for name, header in described["headers"].items():
            assert not header.get("required", True) or response.headers.get(name), f"{name} is missing"
        ((media_type, content),) = described["content"].items()
        assert response.headers["Content-Type"] == media_type
        self._valid(content["schema"], response)

    def _valid(self, schema: Mapping[str, Any], response: Response) -> None:
        whole = {**schema, "components": self._document["components"]}
        Draft202012Validator(whole).validate(response.json)
        if "status" in response.json:
            assert response.json["status"] == response.status
            assert response.json["request_id"] == response.headers["X-Request-Id"]


class Api:
    """The public API of a grid."""

    def __init__(self, grid: Grid, contract: Contract) -> None:
        self.grid = grid
        self._contract = contract

    async def charge(self, key: str = "", **changed: Any) -> Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.charge_with(headers, **changed)

    async def charge_with(self, headers: Mapping[str, str], **changed: Any) -> Response:
        body = {name: value for name, value in (CAR | changed).items() if value is not None}
        return await self.call("POST", "/charge", json=body, headers=headers)

    async def placed(self, key: str = "", **changed: Any) -> dict[str, Any]:
        """Charge, and expect to be placed."""
        response = await self.charge(key, **changed)
        assert response.status == 201, response.body
        return dict(response.json)

    async def find(self, session_id: str) -> Response:
        return await self.call("GET", f"/charge/{session_id}")

    async def stop(self, session_id: str) -> Response:
        return await self.call("DELETE", f"/charge/{session_id}")

    async def call(self, method: str, path: str, **sent: Any) -> Response:
        async with self.grid.session.request(method, self.grid.gateway_url + path, **sent) as answer:
            response = Response(answer.status, HTTPHeaders(dict(answer.headers)), await answer.read())
        self._contract.check(method, path, response)
        return response

    async def raw(self, sent: bytes, path: str = "/charge", method: str = "POST") -> Response:
        """Send bytes as they are, and read one answer."""
        reader, writer = await asyncio.open_connection(HOST, self.grid.gateway_port)
        try:
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start, _, fields = head.partition("\r\n")
            headers = HTTPHeaders.parse(fields)
            body = await reader.readexactly(int(headers.get("Content-Length", "0")))
        finally:
            writer.transport.abort()
        response = Response(int(start.split()[1]), headers, body)
        if path.startswith("/charge"):
            self._contract.check(method, path, response)
        return response


@contextlib.asynccontextmanager
async def api(folder: Path, plan: Plan | None = None) -> AsyncIterator[Api]:
    """The API of a whole grid."""
    async with running(folder, plan) as grid:
        yield await api_of(grid)


async def api_of(grid: Grid) -> Api:
    return Api(grid, Contract(await grid.get_json(f"{grid.gateway_url}/openapi.json")))
