"""Which algorithms an ID token may be signed with. A warning fails a test here, as everywhere."""

import warnings

import pytest
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from admin_ui.people.single_sign_on.provider import ALGORITHMS, decoded

CURVES = {"256": "P-256", "384": "P-384", "512": "P-521"}


def key_for(algorithm: str) -> RSAKey | ECKey | OKPKey:
    """Return a new key that an algorithm can sign with."""
    if algorithm.startswith("Ed"):
        return OKPKey.generate_key("Ed25519", auto_kid=True)
    if algorithm.startswith("ES"):
        return ECKey.generate_key(CURVES[algorithm[2:]], auto_kid=True)
    return RSAKey.generate_key(2048, auto_kid=True)


def signed(algorithm: str, key: RSAKey | ECKey | OKPKey | OctKey) -> str:
    """Return a token as a provider makes it, whatever is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode({"alg": algorithm, "kid": key.kid}, {"sub": "ann"}, key, algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_verified_without_a_warning(algorithm: str) -> None:
    key = key_for(algorithm)
    token = signed(algorithm, key)
    assert decoded(token, KeySet([key])).claims == {"sub": "ann"}
    other = key_for(algorithm)
    with pytest.raises((JoseError, ValueError)):
        decoded(token, KeySet([other]))


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_a_token_that_anybody_could_have_signed_is_refused(algorithm: str) -> None:
    key = OctKey.generate_key(256, auto_kid=True)
    token = signed(algorithm, key)
    with pytest.raises((JoseError, ValueError)):
        decoded(token, KeySet([key]))
