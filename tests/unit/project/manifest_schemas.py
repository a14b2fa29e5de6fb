"""The fields of other projects' resources that deploy/kubernetes uses, with their types.

Their whole schemas are in no package that the tests could install. These were written by the references of the Prometheus
Operator 0.93 and of CloudNativePG 1.28: what they do not name is refused, so a typing error shows.
"""

from typing import Any


def closed(**fields: Any) -> dict[str, Any]:
    """Return the schema of an object with exactly these fields."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def one_of(*values: Any) -> dict[str, Any]:
    """Return the schema of one of some values."""
    return {"enum": list(values)}


def resource(api: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a resource."""
    return closed(apiVersion=one_of(api), kind=one_of(kind), metadata={"type": "object"}, spec=spec)


TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": TEXT}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 1}
DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}
QUANTITY = {"type": "string", "pattern": "^[0-9]+(m|Mi|Gi)?$"}
QUANTITIES = {"type": "object", "additionalProperties": QUANTITY}
KEY_OF_SECRET = closed(name=TEXT, key=TEXT)

CLUSTER = resource(
    "postgresql.cnpg.io/v1",
    "Cluster",
    closed(
        instances=COUNT,
        bootstrap=closed(initdb=closed(database=TEXT, owner=TEXT, encoding=TEXT, dataChecksums=FLAG)),
        postgresql=closed(
            parameters=TEXTS,
            synchronous=closed(
                method=one_of("any", "first"),
                number=COUNT,
                dataDurability=one_of("required", "preferred"),
                failoverQuorum=FLAG,
            ),
        ),
        storage=closed(size=QUANTITY),
        affinity=closed(
            enablePodAntiAffinity=FLAG,
            podAntiAffinityType=one_of("required", "preferred"),
            topologyKey=TEXT,
        ),
        resources=closed(requests=QUANTITIES, limits=QUANTITIES),
    ),
)
SERVICE_MONITOR = resource(
    "monitoring.coreos.com/v1",
    "ServiceMonitor",
    closed(
        jobLabel=TEXT,
        selector=closed(
            matchLabels=TEXTS,
            matchExpressions={"type": "array", "items": closed(key=TEXT, operator=one_of("Exists"))},
        ),
        endpoints={
            "type": "array",
            "minItems": 1,
            "items": closed(
                port=TEXT,
                scheme=one_of("http", "https"),
                path=TEXT,
                interval=DURATION,
                scrapeTimeout=DURATION,
                tlsConfig=closed(
                    serverName=TEXT,
                    ca=closed(secret=KEY_OF_SECRET),
                    cert=closed(secret=KEY_OF_SECRET),
                    keySecret=KEY_OF_SECRET,
                ),
            ),
        },
    ),
)
SCHEMAS = {"Cluster": CLUSTER, "ServiceMonitor": SERVICE_MONITOR}
