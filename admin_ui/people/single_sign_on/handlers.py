"""The addresses of single sign-on: `GET /sso` leads to the provider, which leads back to `GET /sso/callback`."""

import dataclasses
import secrets
import time
from urllib.parse import quote

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from jinja2 import Environment

from admin_ui.audit.chain import AuditOutcome
from admin_ui.people.attempt_limits import network
from admin_ui.people.authenticator import UNKNOWN_NAME, Authenticator
from admin_ui.people.login import enter, set_cookie
from admin_ui.people.single_sign_on.identity import (
    ClaimMapping,
    Expected,
    Identity,
    IdentityRefused,
    check,
    identity,
)
from admin_ui.people.single_sign_on.pending import LASTS_S, Pending, PendingLogins
from admin_ui.people.single_sign_on.provider import Provider, ProviderFault
from admin_ui.people.single_sign_on.userinfo import completed
from admin_ui.web.access import local_address
from admin_ui.web.logins import CONFIRMED_FOR_S, LoginMethod, digest
from admin_ui.web.pages import PageHandler
from runtime.problem import Problem

BY_SSO = "log in by single sign-on"
REFUSED = Problem("sso-refused", 403, "Single sign-on did not log you in")
UNANSWERED = Problem("sso-unanswered", 400, "This login has ended or was not begun in this browser")
PROVIDER_FAILED = Problem("sso-provider", 503, "The identity provider can't be used now")


@dataclasses.dataclass(frozen=True)
class SingleSignOn:
    """What the pages need: the provider, the mapping of claims, the redirect URI, the scopes, and the logins under way."""

    provider: Provider
    mapping: ClaimMapping
    redirect_uri: str
    scopes: str
    pending: PendingLogins = dataclasses.field(default_factory=PendingLogins)


class _SingleSignOnHandler(PageHandler):
    """The base of both."""

    def setup(  # type: ignore[override]
        self, environment: Environment, authenticator: Authenticator, sso: SingleSignOn
    ) -> None:
        """`authenticator` has the audit log, `sso` the provider."""
        super().setup(environment, here="login")
        self._authenticator = authenticator
        self._sso = sso

    @property
    def _cookie(self) -> str:
        return f"{self.settings['login_cookie']}-sso"

    async def _fail(self, problem: Problem, why: str, who: str = UNKNOWN_NAME) -> None:
        """Answer with a problem, and record it."""
        await self._authenticator.note_refusal(who, BY_SSO, self.address, why)
        self.write_problem(problem, detail=why)


class BeginHandler(_SingleSignOnHandler):
    """`GET /sso?next=` leads to the provider; with `again=1`, somebody who is logged in gives the password again."""

    async def get(self) -> None:
        """Redirect."""
        try:
            metadata = await self._sso.provider.metadata()
        except ProviderFault as error:
            await self._fail(PROVIDER_FAILED, f"The provider {self._sso.provider.issuer} failed: {error}")
            return
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        again = bool(self.get_query_argument("again", "") and self.login)
        pending = Pending(
            digest(browser),
            nonce,
            verifier,
            local_address(self.get_query_argument("next", "/")),
            digest(self.token) if again else "",
            time.monotonic(),
            network(self.address),
        )
        self._sso.pending.begin(state, pending)
        set_cookie(self, self._cookie, browser, time.time() + LASTS_S)
        asked = {
            "redirect_uri": self._sso.redirect_uri,
            "scope": self._sso.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),  # type: ignore[no-untyped-call]
            "code_challenge_method": "S256",
        } | ({"prompt": "login", "max_age": "0"} if again else {})
        url = prepare_grant_uri(
            str(metadata["authorization_endpoint"]), self._sso.provider.client_id, "code", **asked
        )
        self.redirect(url)


class CallbackHandler(_SingleSignOnHandler):
    """`GET /sso/callback`: what the provider has answered."""

    repeats = False  # an answer is good once

    async def get(self) -> None:
        """Log in, or say why not."""
        browser = self.get_cookie(self._cookie, "") or ""
        state = self.get_query_argument("state", "")
        pending = self._sso.pending.take(state, browser, time.monotonic())
        self.clear_cookie(self._cookie, path=self.cookie_path, secure=True, httponly=True, samesite="Lax")
        if not pending:
            await self._fail(UNANSWERED, "log in again from the login page")
            return
        try:
            found, id_token = await self._identity(pending)
        except ProviderFault as error:
            await self._fail(PROVIDER_FAILED, f"The provider {self._sso.provider.issuer} failed: {error}")
        except IdentityRefused as error:
            await self._fail(REFUSED, str(error))
        else:
            await self._let_in(found, pending, id_token)

    async def _identity(self, pending: Pending) -> tuple[Identity, str]:
        """Return the person whom the answer names, and the ID token; raises ProviderFault or IdentityRefused."""
        provider = self._sso.provider
        if error := self.get_query_argument("error", ""):
            described = self.get_query_argument("error_description", "")
            raise IdentityRefused(f"The provider answered {error[:200]} {described[:200]}".strip())
        issuer = self.get_query_argument("iss", provider.issuer)  # RFC 9207
        if issuer != provider.issuer:
            raise IdentityRefused("the answer is that of another provider")
        token = await provider.exchange(
            self.get_query_argument("code", ""), pending.verifier, self._sso.redirect_uri
        )
        max_age_s = int(CONFIRMED_FOR_S) if pending.confirming else None
        expected = Expected(provider.issuer, provider.client_id, pending.nonce, max_age_s)
        check(token.claims, token.header, token.access_token, expected, time.time())
        claims = await completed(provider, token, self._sso.mapping)
        return identity(claims, provider.issuer, self._sso.mapping), token.text

    async def _let_in(self, found: Identity, pending: Pending, id_token: str) -> None:
        audit, details = self._authenticator.audit, {"address": self.address, "role": found.role.name.lower()}
        if pending.confirming:
            if not self.login or digest(self.token) != pending.confirming or self.login.name != found.name:
                await self._fail(REFUSED, "the password of another person was given", found.name)
                return
            self.logins.confirm(self.token, time.time())
            await audit.note(found.name, "confirm password", "", AuditOutcome.DONE, dict(details))
            self.show("people/confirmed.html")
            return
        enter(self, found.name, found.role, method=LoginMethod.SINGLE_SIGN_ON, id_token=id_token)
        await audit.note(found.name, BY_SSO, "", AuditOutcome.DONE, dict(details))
        self.redirect(f"/login?kept=1&next={quote(pending.destination, safe='')}")
