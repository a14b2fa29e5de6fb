"""Cookies for browsers in which somebody has logged in, so that a stranger's wrong guesses don't lock these out.

A stranger who guesses passwords uses up the attempts of that name for unknown browsers only. A browser in which the
person has logged in before has its own attempts. Source: OWASP, "Slow Down Online
Guessing Attacks with Device Cookies".

The key that signs the cookies is in the data folder, so that they outlive a restart. The names of the console's
cookies depend on it too: two consoles on one host share a browser's cookies, and must not end each other's logins.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

KEY_BYTES = 32
LASTS_S = 365 * 86_400.0


class DeviceCookies:
    """Creates and checks the cookies of one console."""

    def __init__(self, data: Path, base: str = "") -> None:
        """`data` is the console's data folder; raises OSError when the key can't be read or created.

        `base` is the path below which browsers see the console. A cookie of a path can't have the prefix `__Host-`.
        """
        self._key = _key(data / "admin_ui" / "device-key")
        suffix = hashlib.sha256(b"name of the cookies" + self._key).hexdigest()[:8]
        prefix = "__Secure-" if base else "__Host-"
        self.cookie = f"{prefix}device-{suffix}"
        self.login_cookie = f"{prefix}console-{suffix}"

    def create(self, name: str) -> str:
        """Return a new cookie for somebody who has just logged in by password."""
        number = secrets.token_hex(16)
        return f"{number}.{self._signature(name, number)}"

    def device(self, name: str, cookie: str) -> str:
        """Return the number of the device if its cookie was created for `name`, else ''."""
        number, _, signature = cookie.partition(".")
        valid = hmac.compare_digest(
            self._signature(name, number).encode(), signature.encode("utf-8", "replace")
        )
        return number if number and valid else ""

    def _signature(self, name: str, number: str) -> str:
        signed = f"{name}\0{number}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, signed, "sha256").hexdigest()


def _key(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.suppress(FileExistsError),
        os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened,
    ):
        opened.write(secrets.token_bytes(KEY_BYTES))
    kept = file.read_bytes()
    if len(kept) != KEY_BYTES:
        raise OSError(f"{file} is not a key of {KEY_BYTES} bytes: remove it, and a new one is created")
    return kept
