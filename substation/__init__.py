"""A substation: it owns its capacity and its sessions, and is the only writer of its load.

It decides every admission, keeps every session in its journal before it answers, and simulates the
charging. It never knows other substations.
"""
