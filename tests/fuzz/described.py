"""Schemathesis on the gateway's OpenAPI document: what the document allows, what it forbids, and what it does not have."""

import json
from collections.abc import Sequence

# A request can fit the document and name a substation that this grid lacks: 422 is right then.
CHECKS = "positive_data_acceptance"


def arguments(gateway: str, key: str, *, examples: int, seed: int, max_time_s: int = 0) -> Sequence[str]:
    """Return the arguments of Python that run it; '' is no key."""
    header = ["-H", f"Authorization: Bearer {key}"] if key else []
    limited = ["--max-time", json.dumps(max_time_s)] if max_time_s else []
    return [
        *("-m", "schemathesis.cli", "--no-color", "run", f"{gateway}/openapi.json"),
        *(
            "--phases",
            "examples,coverage,fuzzing",
            "--exclude-checks",
            CHECKS,
            "--suppress-health-check",
            "all",
        ),
        *("--max-examples", str(examples), "--seed", str(seed), "--generation-database", "none"),
        *limited,
        *header,
    ]
