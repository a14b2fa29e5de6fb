"""Methods, paths and request ids that a client makes up are answered in form."""

from pathlib import Path

import pytest

from tests.integration.gateway.bad_requests import GOOD, ask, refused, request


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/charge", "GET, HEAD, POST"),
        ("PUT", "/charge", "GET, HEAD, POST"),
        ("PATCH", "/charge", "GET, HEAD, POST"),
        ("OPTIONS", "/charge", "GET, HEAD, POST"),
        ("BREW", "/charge", "GET, HEAD, POST"),
        ("POST", "/charge/s-1.a", "GET, HEAD, DELETE"),
        ("PUT", "/charge/s-1.a", "GET, HEAD, DELETE"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
async def test_a_method_that_an_address_does_not_take_is_405(
    tmp_path: Path, method: str, path: str, allowed: str
) -> None:
    response = await ask(tmp_path, request(GOOD, method=method, path=path), method, path)
    refused(response, 405, "method-not-allowed")
    assert response.headers["Allow"] == allowed


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/charge/%ff", 400, "malformed"),
        ("/charge/%c0%80", 400, "malformed"),
        ("/charge/%ed%a0%80", 400, "malformed"),
        ("/charge/", 404, "not-found"),
        ("/charge/a/b", 404, "not-found"),
        ("/charges", 404, "not-found"),
        ("//charge", 404, "not-found"),
        ("/charge/../charge/a/b", 404, "not-found"),
        ("/etc/passwd", 404, "not-found"),
        ("/charge/" + "x" * 129, 404, "not-found"),
        ("/charge/a%2fb/c", 404, "not-found"),
        ("/%ff", 404, "not-found"),
        ("/page.css/..", 404, "not-found"),
        ("/pages/index.html", 404, "not-found"),
        ("*", 404, "not-found"),
    ],
)
async def test_a_strange_path_is_answered_in_form(tmp_path: Path, path: str, status: int, code: str) -> None:
    described = path if path.startswith("/charge/%") else "/elsewhere"
    response = await ask(tmp_path, request(b"", method="GET", path=path), "GET", described)
    refused(response, status, code)


@pytest.mark.gen_test
@pytest.mark.parametrize("given", ["abc-1.x_Y", "x" * 64])
async def test_a_plain_request_id_of_the_caller_is_used(tmp_path: Path, given: str) -> None:
    response = await ask(tmp_path, request(b"", f"X-Request-Id: {given}"))
    assert response.headers["X-Request-Id"] == response.json["request_id"] == given


@pytest.mark.gen_test
@pytest.mark.parametrize("given", ["", "x" * 65, "a b", '"><script>', "caf\xe9"])
async def test_any_other_request_id_is_replaced(tmp_path: Path, given: str) -> None:
    response = await ask(tmp_path, request(b"", f"X-Request-Id: {given}"))
    assert response.json["request_id"] not in {given, ""}
