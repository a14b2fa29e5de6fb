"""Passwords as argon2id hashes, with the second recommended parameters of RFC 9106: 64 MiB, 3 rounds.

A hash takes about 0.1 s and 64 MiB. Therefore only AT_ONCE are computed at a time, on threads, and the queue is short.
"""

import asyncio
import base64
import concurrent.futures
import contextlib
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

AT_ONCE = 2
MOST_WAITING = 16
SHORT_NAME = 3  # a name of so few letters is in many passwords by chance
LENGTHS = (12, 256)  # characters; NIST SP 800-63B asks for no other rule


class TooManyPasswords(Exception):
    """Too many passwords wait to be checked."""


class Passwords:
    """Computes and checks hashes. Use it on the event loop's thread."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = concurrent.futures.ThreadPoolExecutor(AT_ONCE, "password")
        self._running = 0
        self._placeholder = placeholder(self._hasher)  # compared with when no person has that name

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password matches a hash; None matches nothing, and takes as long. Raises TooManyPasswords."""

        def verify() -> bool:
            for form in (normal(password), password) if normal(password) != password else (password,):
                with contextlib.suppress(VerificationError, InvalidHashError):
                    self._hasher.verify(kept or self._placeholder, form)
                    return kept is not None
            return False

        if self._running >= AT_ONCE + MOST_WAITING:
            raise TooManyPasswords
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, verify)
        finally:
            self._running -= 1

    async def hash(self, password: str) -> str:
        """Return the hash of a new password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, hash_password, password)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


def hash_password(password: str) -> str:
    """Return the hash of a new password; this takes about 0.1 s."""
    return PasswordHasher().hash(normal(password))


def placeholder(hasher: PasswordHasher) -> str:
    """Return a hash that no known password has, and that takes as long to check as any other.

    It is made of random bytes: a computed one would delay every start by 0.1 s.
    """
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def normal(password: str) -> str:
    """Return a password in the form that is hashed, because keyboards write the same letters in several Unicode forms.

    Source: NIST SP 800-63B-4, section 3.1.1.2 (NFKC). Older hashes are of the password as it was typed.
    """
    return unicodedata.normalize("NFKC", password)


def fault(name: str, password: str) -> str:
    """Return what is wrong with a new password of a person, in words; '' when it is accepted."""
    least, most = LENGTHS
    password = normal(password)
    if not least <= len(password) <= most:
        return f"a password has {least} to {most} characters"
    if len(name) > SHORT_NAME and name in password.lower():
        return "a password must not contain the name"
    if len(set(password)) < least // 3:
        return "a password must not be one letter again and again"
    return ""
