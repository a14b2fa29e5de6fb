"""The balancer: it keeps a view of the fleet and places every request on the least loaded substation.

It owns the placement policy and the order book of keyed requests. It never owns capacity: the
substations decide, and it believes them.
"""
