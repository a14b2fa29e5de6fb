"""The OpenAPI 3.1 description, made from the same tables that validation and errors use.

Pure.
"""

from typing import Any

from gateway.contract import (
    INVALID,
    KEY_REUSED,
    PROBLEMS,
    QUOTA_EXCEEDED,
    UNAUTHORIZED,
    UNREACHABLE,
    VEHICLE_CHARGING,
)
from gateway.fields import FIELDS
from gateway.listing import PARAMETERS
from runtime.problem import CROSS_ORIGIN, FOREIGN_HOST, MALFORMED, NOT_FOUND, TOO_LARGE, TYPE, UNSUPPORTED

TIME = {"type": "string", "format": "date-time"}
ADMITTED = {
    "session_id": {"type": "string", "description": "Names its substation: `<substation_id>.<token>`"},
    "substation_id": {"type": "string"},
    "vehicle_id": {"type": "string"},
    "power_kw": {"type": "number"},
    "energy_kwh": {"type": "number"},
    "stay_minutes": {"type": ["number", "null"]},
    "started_at": TIME,
    "expected_end": TIME,
}
STATES = ["charging", "paused", "completed", "stopped", "withdrawn"]
SESSION = ADMITTED | {
    "state": {"type": "string", "enum": STATES},
    "delivered_kwh": {"type": "number"},
    "paused_since": {"type": ["string", "null"], "format": "date-time"},
    "paused_because": {
        "type": ["string", "null"],
        "enum": ["base_load", None],
        "description": "Why it is paused; `base_load`: the substation's other consumers need the power",
    },
    "paused_minutes": {"type": "number", "description": "How long its earlier pauses lasted"},
    "ended_at": {"type": ["string", "null"], "format": "date-time"},
    "reserved": {
        "type": "array",
        "description": "The power reserved: how much from when on, down to 0 at the end; as planned where it lies ahead",
        "items": {
            "type": "object",
            "properties": {"from": TIME, "power_kw": {"type": "number"}},
            "required": ["from", "power_kw"],
            "additionalProperties": False,
        },
    },
}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
RATE_LIMIT = {
    name: {"schema": {"type": "string"}, "description": about}
    for name, about in {
        "RateLimit-Policy": "The caller's quota: `q` requests in `w` seconds",
        "RateLimit": "What is left: `r` requests now, one more in `t` seconds",
    }.items()
}
MAY_BE_AT = {
    "Location": {
        "schema": {"type": "string"},
        "required": False,
        "description": "The session, if there is one",
    }
}
CHALLENGE = {"WWW-Authenticate": {"schema": {"const": "Bearer"}}}
REQUEST_ID = {"X-Request-Id": {"schema": {"type": "string"}}}


def description(version: str) -> dict[str, Any]:
    """Return the OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smart Grid Load Balancer",
            "version": version,
            "description": "Ask to charge a car; it is placed on the least loaded substation.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {"/charge": {"post": _post(), "get": _list()}, "/charge/{session_id}": _one()},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],  # a gateway without a key file needs no key
    }


def _post() -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "description": "The same key gives the same session, however often it is sent",
    }
    location = {"Location": {"schema": {"type": "string"}, "description": "Where the session is"}}
    created = _content("Admitted", "application/json") | {
        "description": "The car was placed",
        "headers": REQUEST_ID | RATE_LIMIT | location,
    }
    faults = (
        _problems("400", MALFORMED.title)
        | _problems("413", TOO_LARGE.title)
        | _problems("415", UNSUPPORTED.title)
    )
    return {
        "operationId": "charge",
        "summary": "Ask to charge a car",
        "parameters": [key],
        "requestBody": {"required": True, **_content("Charge", "application/json")},
        "responses": {
            "201": created,
            **faults,
            **_turned_away(changes=True),
            **_problems("409", VEHICLE_CHARGING.title),
            **_problems("422", f"{INVALID.title}, or: {KEY_REUSED.title}"),
            **_problems("503", "Not placed, or not known: come back after Retry-After"),
        },
    }


def _list() -> dict[str, Any]:
    parameters = [
        {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.about,
            "schema": parameter.schema
            | ({} if parameter.default is None else {"default": parameter.default}),
        }
        for parameter in PARAMETERS
    ]
    found = _content("Page", "application/json") | {
        "description": "A page of the vehicle's sessions",
        "headers": REQUEST_ID | RATE_LIMIT,
    }
    faults = _problems("400", MALFORMED.title) | _problems("415", UNSUPPORTED.title) | _turned_away()
    return {
        "operationId": "list",
        "summary": "List the sessions of a vehicle",
        "parameters": parameters,
        "responses": {
            "200": found,
            **faults,
            **_problems("422", INVALID.title),
            **_problems("503", UNREACHABLE.title),
        },
    }


def _one() -> dict[str, Any]:
    session = _content("Session", "application/json") | {
        "description": "The session",
        "headers": REQUEST_ID | RATE_LIMIT,
    }
    faults = (
        _problems("400", MALFORMED.title)
        | _problems("404", NOT_FOUND.title)
        | _problems("415", UNSUPPORTED.title)
    )
    found = {"200": session} | faults | _turned_away() | _problems("503", UNREACHABLE.title)
    stopped = found | _turned_away(changes=True)
    return {
        "parameters": [{"name": "session_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": {"operationId": "find", "summary": "Look a session up", "responses": found},
        "delete": {"operationId": "stop", "summary": "Stop a session", "responses": stopped},
    }


def _turned_away(*, changes: bool = False) -> dict[str, Any]:
    """Return the answers to requests that are not accepted; `changes`: at an address that changes something."""
    foreign = _problems("403", CROSS_ORIGIN.title) if changes else {}
    strangers = _problems("401", UNAUTHORIZED.title) | foreign | _problems("421", FOREIGN_HOST.title)
    return strangers | _problems("429", QUOTA_EXCEEDED.title)


def _problems(status: str, title: str) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "401": CHALLENGE,
        "409": MAY_BE_AT,
        "429": RETRY_AFTER | RATE_LIMIT,
        "503": RETRY_AFTER,
    }
    headers = REQUEST_ID | more.get(status, {})
    return {
        status: _content("Problem", "application/problem+json") | {"description": title, "headers": headers}
    }


def _content(schema: str, media_type: str) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _schemas() -> dict[str, Any]:
    charge = {
        field.name: field.schema
        | {"description": field.about}
        | ({} if field.default is None else {"default": field.default})
        for field in FIELDS
    }
    problem = {
        "type": {"type": "string", "enum": [TYPE + problem.code for problem in PROBLEMS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": _object({"field": {"type": "string"}, "detail": {"type": "string"}}),
        },
        "outcome": {"type": "string", "enum": ["unknown", "withdrawn"]},
        "request_id": {"type": "string"},
    }
    required = [field.name for field in FIELDS if field.required]
    return {
        "Charge": _object(charge, required),
        "Admitted": _object(ADMITTED),
        "Session": _object(SESSION),
        "Page": _object(
            {
                "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
                "next": {
                    "type": ["string", "null"],
                    "description": "Where the next page is; null: this was the last",
                },
            }
        ),
        "Problem": _object(problem, ["type", "title", "status", "request_id"]),
    }


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
