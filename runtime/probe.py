"""`python -m runtime.probe [--operator] [--post] URL`: ends with 0 when a page answers with success.

For health checks in containers: the images have no curl, and a health check must not need more than what the
service itself needs. With `--operator` it shows the token of OPERATOR_TOKEN_FILE, for an operator inside of a
container; with `--post` it gives an order.
"""

import argparse
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from runtime import operator_token

TIMEOUT_S = 2.0
ORDER_S = 60.0  # a backup takes as long as its journal is large


def main(arguments: Sequence[str]) -> int:
    """Return 0 on success, else 1; what is lacking is printed, for `docker inspect`."""
    parser = argparse.ArgumentParser(prog="python -m runtime.probe")
    parser.add_argument("--operator", action="store_true", help="show the token of OPERATOR_TOKEN_FILE")
    parser.add_argument("--post", action="store_true", help="POST instead of GET")
    parser.add_argument("url")
    asked = parser.parse_args(arguments)
    path = os.environ.get("OPERATOR_TOKEN_FILE") if asked.operator else None
    try:
        headers = operator_token.headers(operator_token.read_if_any(Path(path) if path else None))
        request = urllib.request.Request(  # noqa: S310 - from the health check
            asked.url, headers=headers, method="POST" if asked.post else "GET"
        )
        with urllib.request.urlopen(request, timeout=ORDER_S if asked.post else TIMEOUT_S) as answer:  # noqa: S310
            body = answer.read()
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
