"""Sends a plan to the gateway: at its moments, with retries, and only to a target that is allowed.

It never waits for an answer before it sends the next request, and never judges an answer.
"""
