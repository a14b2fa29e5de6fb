"""How long an order book keeps claims and holds.

Pure.
"""

KEEP_MS = 24 * 3600 * 1000  # after the planned end
CLAIM_MS = 2 * KEEP_MS  # after the claim: longer than most sessions last, so that few need `keep`
