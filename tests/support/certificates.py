"""Makes certificates for tests."""

import subprocess
from pathlib import Path

COMMAND = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a new certificate for the host `name` and its key, as files in `folder`."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command = [*COMMAND.split(), *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
