"""The HTTP/1.1 server of listeners without WebSockets: reads requests and writes answers on asyncio's transports.

It serves an unchanged Tornado application, at a fraction of what Tornado's own server costs (docs/adr/0037). It never
decides which requests are accepted: that is `runtime/gate.py`.
"""
