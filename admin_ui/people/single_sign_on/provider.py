"""Talks to an OpenID provider: discovery, signing keys, and the exchange of a code for an ID token.

The provider's configuration and keys are kept for an hour. A token that is signed with an unknown key makes the keys be fetched
again, so that a rotation needs no restart; a throttle bounds how often.
"""

import asyncio
import contextlib
import time
import warnings
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import aiohttp
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import KeySet

from admin_ui.single_sign_on_settings import secure_url
from admin_ui.web.throttle import Throttle
from runtime.json_body import MalformedJson, read_object
from runtime.whole_body import BodyTooLong, whole_body

TIMEOUT = aiohttp.ClientTimeout(total=10.0)
MOST_BYTES = 256 * 1024  # of an answer
KEPT_S = 3600.0
FAILED_S = 1.0  # a provider that has just failed is not asked again, so that visitors do not queue for it
NEW_KEYS = (5, 30.0)  # fetches of the keys at once, and seconds until one more is allowed
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    *(
        "Ed25519",
        "EdDSA",
    ),  # the first is the name of RFC 9864, the second the one that most providers still write
)
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderFault(Exception):
    """The provider can't be used now, or has refused; the message says what happened."""


class VerifiedToken(NamedTuple):
    """The header and the claims of an ID token whose signature is right, the access token beside it, and its text."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    access_token: str
    text: str = ""


class Provider:
    """One provider; `issuer` is its URL, `secret` the file with the client's secret, None for a public client."""

    def __init__(
        self, client: aiohttp.ClientSession, issuer: str, client_id: str, secret: Path | None
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._client = client
        self._secret = secret
        self._metadata: dict[str, Any] = {}
        self._metadata_s = 0.0
        self._failed: tuple[float, ProviderFault] | None = None
        self._keys: KeySet | None = None
        self._keys_s = 0.0
        self._lock = asyncio.Lock()
        self._throttle = Throttle(*NEW_KEYS)

    async def metadata(self) -> Mapping[str, Any]:
        """Return the provider's configuration; raises ProviderFault."""
        async with self._lock:
            now_s = time.monotonic()
            if self._metadata and now_s - self._metadata_s <= KEPT_S:
                return self._metadata
            if self._failed and now_s - self._failed[0] < FAILED_S:
                raise self._failed[1]
            try:
                self._metadata = await self._discovered()
            except ProviderFault as error:
                self._failed = time.monotonic(), error
                raise
            self._metadata_s = now_s
            return self._metadata

    async def _discovered(self) -> dict[str, Any]:
        found = await self.ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderFault(
                f"it calls itself {str(found.get('issuer'))[:200]!r}; set OIDC_ISSUER to exactly that, or correct the"
                " provider"
            )
        for name in NEEDED:
            if not secure_url(str(found.get(name, ""))):
                raise ProviderFault(f"its configuration has no {name} with https")
        return dict(OpenIDProviderMetadata(found))

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> VerifiedToken:
        """Exchange a code, and return the ID token once its signature is right; raises ProviderFault."""
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        auth = None
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret := _secret(self._secret):
            if "client_secret_basic" in methods:
                auth = aiohttp.BasicAuth(quote_plus(self.client_id), quote_plus(secret))  # RFC 6749, 2.3.1
            else:
                form |= {"client_id": self.client_id, "client_secret": secret}
        else:
            form["client_id"] = self.client_id
        answer = await self.ask("POST", str(metadata["token_endpoint"]), data=form, auth=auth)
        if not isinstance(answer.get("id_token"), str):
            raise ProviderFault("it sent no ID token: the scope openid must be allowed for this client")
        token = await self._verified(answer["id_token"])
        return VerifiedToken(
            token.header, token.claims, str(answer.get("access_token", "")), answer["id_token"]
        )

    async def _verified(self, id_token: str) -> jwt.Token:
        for again in (False, True):
            keys = await self._key_set(again=again)
            try:
                return decoded(id_token, keys)
            except InvalidKeyIdError:
                continue  # the provider may have new keys
            except (JoseError, ValueError) as error:
                raise ProviderFault(f"the signature of its ID token can't be verified: {error}") from None
        raise ProviderFault("its ID token is signed with a key that it does not publish")

    async def _key_set(self, *, again: bool) -> KeySet:
        metadata = await self.metadata()
        async with self._lock:
            now_s = time.monotonic()
            allowed = not self._throttle.wait_s("", now_s)
            if not self._keys or ((again or now_s - self._keys_s > KEPT_S) and allowed):
                self._throttle.take("", now_s)
                self._keys = _usable(await self.ask("GET", str(metadata["jwks_uri"])))
                self._keys_s = now_s
            return self._keys

    async def ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """Return the object that an address of the provider answers with; raises ProviderFault."""
        try:
            async with self._client.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **more
            ) as answer:
                body = await whole_body(answer, MOST_BYTES)
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, BodyTooLong) as error:
            raise ProviderFault(
                f"it does not answer at {url} ({str(error) or type(error).__name__})"
            ) from None
        found = _object(body)
        if status != HTTPStatus.OK:
            code = " ".join(
                str(found[name])[:200] for name in ("error", "error_description") if name in found
            )
            raise ProviderFault(f"{url} answered with status {status}{f': {code}' if code else ''}")
        if not found:
            raise ProviderFault(f"{url} did not answer with a JSON object")
        return found


def decoded(id_token: str, keys: KeySet) -> jwt.Token:
    """Return a token whose signature by one of `keys` is right; raises JoseError or ValueError."""
    with warnings.catch_warnings():
        # RFC 9864 deprecates the name EdDSA, because it leaves the curve open. The curve is that of the published key.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(id_token, keys, list(ALGORITHMS))


def _usable(published: Mapping[str, Any]) -> KeySet:
    """Return the keys that can be used; what is not understood is left out: RFC 7517, 5. Raises ProviderFault."""
    listed = published.get("keys")
    usable = KeySet([])
    for each in listed if isinstance(listed, list) else ():
        with contextlib.suppress(JoseError, AttributeError, LookupError, TypeError, ValueError):
            usable.keys += KeySet.import_key_set({"keys": [each]}).keys
    if not usable:
        raise ProviderFault("it publishes no key that can be used")
    return usable


def _object(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except MalformedJson:
        return {}


def _secret(file: Path | None) -> str:
    """Return the secret in a file, '' without one; raises ProviderFault."""
    if not file:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ProviderFault(f"the client secret in {file} can't be read: {error}") from None
