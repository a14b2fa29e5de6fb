"""Mutual TLS between the services: who a certificate names, who may call what, and the files that are read again.

It never decides about charging, and is not used where TLS_CA, TLS_CERT and TLS_KEY are not set.
"""
