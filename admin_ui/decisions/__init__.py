"""Why each car was sent to its substation: the balancer's decisions in words, and the story of a car or a session.

This folder never decides: it explains what the balancer has decided.
"""
