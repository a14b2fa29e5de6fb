"""`python -m runtime.probe URL`: ends with 0 when a page answers with success; for health checks in containers.

The images have no curl, and a health check must not need more than what the service itself needs.
"""

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 2.0


def main(url: str) -> int:
    """Return 0 on success, else 1; what is lacking is printed, for `docker inspect`."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - from the health check
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
    sys.exit(main(sys.argv[1]))
