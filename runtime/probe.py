"""`python -m runtime.probe [--operator] [--post] URL`: ends with 0 when a page answers with success.

For health checks in containers: the images have no curl, and a health check must not need more than what the
service itself needs. With `--operator` it sends the token in OPERATOR_TOKEN_FILE, for an operator inside a
container. With `--post` it gives an order.
"""

import argparse
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime import operator_token

TIMEOUT_S = 2.0
ORDER_S = 60.0  # a backup of a large journal takes long


def fetch(
    url: str, timeout_s: float = TIMEOUT_S, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> bytes:
    """Return the body of a page of our own services, waiting at most `timeout_s` seconds for each step.

    Proxies in the environment are not used: they are for calls to the outside. Any certificate is accepted,
    because this is for our own services. Raises OSError when there is no
    answer, and its subclass urllib.error.HTTPError for an answer that is not a success.
    """
    context = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # the default context would read all certificates of the machine
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    request = urllib.request.Request(url, headers=dict(headers or {}), method=method)  # noqa: S310 - our own services
    with opener.open(request, timeout=timeout_s) as answer:
        return bytes(answer.read())


def main(arguments: Sequence[str]) -> int:
    """Return 0 on success, otherwise 1 after printing the reason, which `docker inspect` shows."""
    parser = argparse.ArgumentParser(prog="python -m runtime.probe")
    parser.add_argument("--operator", action="store_true", help="send the token in OPERATOR_TOKEN_FILE")
    parser.add_argument("--post", action="store_true", help="POST instead of GET")
    parser.add_argument("url")
    options = parser.parse_args(arguments)
    path = os.environ.get("OPERATOR_TOKEN_FILE") if options.operator else None
    try:
        headers = operator_token.headers(operator_token.read_if_any(Path(path) if path else None))
        method, within_s = ("POST", ORDER_S) if options.post else ("GET", TIMEOUT_S)
        body = fetch(options.url, within_s, method=method, headers=headers)
    except urllib.error.HTTPError as error:
        with error:
            sys.stderr.write(f"{error.code}: {error.read().decode(errors='replace')}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(body.decode(errors="replace") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
