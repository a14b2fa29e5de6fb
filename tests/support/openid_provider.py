"""An OpenID provider as a process, made with Authlib: `python -m tests.support.openid_provider PORT CLIENT_ID SECRET`.

It asks for a name in a form. `POST /control` with a JSON object makes it answer wrongly, give other groups, or change its keys.
"""

import asyncio
import base64
import hmac
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tornado.web import Application, RequestHandler

FORM = """<!doctype html><html lang="en"><title>Example login</title><h1>Example login</h1>
<form method="post"><label for="name">Name</label> <input id="name" name="name" autofocus>
<button type="submit">Sign in</button></form></html>"""


class State:
    """What the provider knows, and how it answers."""

    def __init__(self, port: int, client_id: str, secret: str) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.client_id, self.secret = client_id, secret
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.codes: dict[str, dict[str, str]] = {}
        self.groups: list[str] = ["grid-ops"]
        self.claims: dict[str, Any] = {}  # which replace those of the next tokens
        self.by_wrong_key = False
        self.other_keys: list[Any] = []  # that are published beside it
        self.discovered = self.keys_asked = 0
        self.endpoints = {"userinfo_endpoint": "/userinfo", "end_session_endpoint": "/end"}
        self.userinfo: dict[str, Any] = {}  # what it tells beside `sub`
        self.tokens: dict[str, str] = {}  # subjects by access token
        self.in_pieces = False  # whether an answer comes in several packets, as from afar


class Base(RequestHandler):
    def initialize(self, state: State) -> None:
        self.state = state

    async def answer(self, document: dict[str, Any]) -> None:
        """Write a JSON object, at once or in pieces."""
        self.set_header("Content-Type", "application/json")
        text = json.dumps(document)
        parts = [text[:20], text[20:-20], text[-20:]] if self.state.in_pieces else [text]
        for part in parts:
            self.write(part)
            await self.flush()
            await asyncio.sleep(0.05 if self.state.in_pieces else 0)


class Discovery(Base):
    async def get(self) -> None:
        issuer = self.state.issuer
        self.state.discovered += 1
        await self.answer(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                **{name: f"{issuer}{path}" for name, path in self.state.endpoints.items()},
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )


class Keys(Base):
    async def get(self) -> None:
        self.state.keys_asked += 1
        found: dict[str, Any] = dict(KeySet([self.state.key]).as_dict(private=False))
        await self.answer({"keys": [*self.state.other_keys, *found["keys"]]})


class Authorize(Base):
    def get(self) -> None:
        assert self.get_query_argument("client_id") == self.state.client_id
        assert "openid" in self.get_query_argument("scope").split()
        self.write(FORM)

    def post(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(self.request.query).items()}
        code = secrets.token_urlsafe(16)
        self.state.codes[code] = asked | {"name": self.get_body_argument("name")}
        answer = {"code": code, "state": asked["state"], "iss": self.state.issuer}
        self.redirect(f"{asked['redirect_uri']}?{urlencode(answer)}")


class Token(Base):
    async def post(self) -> None:
        asked = self.state.codes.pop(self.get_body_argument("code"), None)
        if not asked or not self._client() or not self._verifier(asked):
            self.set_status(400)
            self.write({"error": "invalid_grant"})
            return
        now_s = int(time.time())
        claims = {
            "iss": self.state.issuer,
            "sub": f"id-of-{asked['name']}",
            "aud": self.state.client_id,
            "exp": now_s + 300,
            "iat": now_s,
            "auth_time": now_s,
            "nonce": asked["nonce"],
            "preferred_username": asked["name"],
            "groups": self.state.groups,
        } | self.state.claims
        key = (
            RSAKey.generate_key(2048, {"kid": str(self.state.key.kid)})
            if self.state.by_wrong_key
            else self.state.key
        )
        claims = {name: value for name, value in claims.items() if value != "left out"}
        token = jwt.encode({"alg": "RS256", "kid": self.state.key.kid}, claims, key)
        access_token = secrets.token_urlsafe(16)
        self.state.tokens[access_token] = f"id-of-{asked['name']}"
        await self.answer({"access_token": access_token, "token_type": "Bearer", "id_token": token})

    def _client(self) -> bool:
        scheme, _, given = self.request.headers.get("Authorization", "").partition(" ")
        name, _, secret = base64.b64decode(given).decode().partition(":")
        right = f"{self.state.client_id}:{self.state.secret}"
        return scheme == "Basic" and hmac.compare_digest(
            f"{unquote_plus(name)}:{unquote_plus(secret)}", right
        )

    def _verifier(self, asked: dict[str, str]) -> bool:
        challenge = create_s256_code_challenge(self.get_body_argument("code_verifier"))  # type: ignore[no-untyped-call]
        right = asked["code_challenge"] == challenge and asked["code_challenge_method"] == "S256"
        return right and asked["redirect_uri"] == self.get_body_argument("redirect_uri")


class Userinfo(Base):
    async def get(self) -> None:
        subject = self.state.tokens.get(self.request.headers.get("Authorization", "").removeprefix("Bearer "))
        if not subject:
            self.set_status(401)
            return
        await self.answer({"sub": subject} | self.state.userinfo)


class EndSession(Base):
    def get(self) -> None:
        """Log out, for a token of this provider; leads back where the client has asked for it."""
        hint = jwt.decode(self.get_query_argument("id_token_hint"), KeySet([self.state.key]), ["RS256"])
        assert self.get_query_argument("client_id") == hint.claims["aud"] == self.state.client_id
        self.redirect(self.get_query_argument("post_logout_redirect_uri"))


class Control(Base):
    def post(self) -> None:
        wanted = json.loads(self.request.body)
        if wanted.pop("rotate", False):
            self.state.key = RSAKey.generate_key(2048, auto_kid=True)
        for name, value in wanted.items():
            setattr(self.state, name, value)
        self.write({"discovered": self.state.discovered, "keys_asked": self.state.keys_asked})


async def main(port: int, client_id: str, secret: str) -> None:
    state = {"state": State(port, client_id, secret)}
    Application(
        [
            ("/.well-known/openid-configuration", Discovery, state),
            ("/keys", Keys, state),
            ("/authorize", Authorize, state),
            ("/token", Token, state),
            ("/userinfo", Userinfo, state),
            ("/end", EndSession, state),
            ("/control", Control, state),
        ]
    ).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
