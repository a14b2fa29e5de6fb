"""Tries a certificate on its own authority: a handshake of a process with itself, in memory.

It shows what every other process that trusts the same authority would say, before one of them is asked: that somebody else
issued the certificate, that it is not valid yet, or that it may not be used for both ends of a connection.
"""

import ssl

ROUNDS = 5  # of a handshake, which takes two
CERT_HAS_EXPIRED = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED


def refusal(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[str, int]:
    """Return why one of the two contexts does not accept the certificate of the other, and OpenSSL's code; '' if both do."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    try:
        for _ in range(ROUNDS):
            ends = [end for end in ends if not _finished(end)]
    except ssl.SSLCertVerificationError as error:
        return error.verify_message, error.verify_code
    except ssl.SSLError as error:
        return str(error.reason or error.strerror or error), 0
    return ("the handshake does not end", 0) if ends else ("", 0)


def _finished(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
