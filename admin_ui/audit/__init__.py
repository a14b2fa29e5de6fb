"""The audit log: who did what, when, why and with what result, in a chain of hashes; its pages and exports.

This folder never changes an entry.
"""
