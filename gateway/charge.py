"""The request to charge: from the fields of a document to whole watts and joules.

Pure. `gateway.fields` says what the fields may hold.
"""

import hashlib
import re
from typing import Any

from balancer.contract import Charge
from gateway.callers import ANONYMOUS, Caller
from gateway.fields import DEFAULTS, FIELDS, InvalidFields, all_fit, fault_of, unknown
from substation.plan import Plan

J_PER_KWH = 3_600_000
W_PER_KW = 1000
MS_PER_MINUTE = 60_000
MS_PER_S = 1000

KEY = re.compile(r"[\x21-\x7e]{1,255}")


def charge(document: dict[str, Any], key: str, caller: Caller = ANONYMOUS) -> Charge:
    """Return the request that `document` holds, under the caller's `key` ('' for none).

    raises InvalidFields with every fault at once.
    """
    if not all_fit(document):
        faults = [fault for field in FIELDS if (fault := fault_of(field, document))]
        raise InvalidFields(faults + unknown(document, FIELDS, "field"))
    values = DEFAULTS | document
    plan = Plan(
        round(values["energy_kwh"] * J_PER_KWH),
        round(values["max_power_kw"] * W_PER_KW),
        round(values["stay_minutes"] * MS_PER_MINUTE) if values["stay_minutes"] is not None else 0,
    )
    substations = tuple(sorted(values["substations"] or ()))
    wait_s = values["max_wait_s"] + 0.0  # -0.0 is 0.0
    fingerprint = ""  # it tells apart what comes under one key
    if key:
        canonical = repr(
            (values["vehicle_id"], plan.energy_j, plan.power_w, plan.stay_ms, substations, wait_s)
        )
        fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
    return Charge(
        caller.key(key) if key else "",
        fingerprint,
        caller.vehicle(values["vehicle_id"]),
        plan,
        substations,
        round(values["max_wait_s"] * MS_PER_S),
        caller.name,
    )
