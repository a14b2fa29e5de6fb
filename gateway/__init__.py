"""The gateway: the public HTTP API.

It owns validation, limits, the Idempotency-Key header, problem documents and the OpenAPI
description. It never chooses a substation.
"""
