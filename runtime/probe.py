"""`python -m runtime.probe URL`: ends with 0 when a page answers with success; for health checks in containers.

The images have no curl, and a health check must not need more than what the service itself needs.
"""

import ssl
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 2.0


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> bytes:
    """Return the body of a page of our own services, waiting at most `timeout_s` seconds for each step.

    The proxies that the environment names are for the outside and are not used. Any certificate is taken:
    it is only asked how the service is, or what it says to everybody. Raises OSError when there is no
    answer, and urllib.error.HTTPError, which is one, for an answer that is no success.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(url, timeout=timeout_s) as answer:
        return bytes(answer.read())


def main(url: str) -> int:
    """Return 0 on success, else 1; what is lacking is printed, for `docker inspect`."""
    try:
        body = fetch(url)
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
