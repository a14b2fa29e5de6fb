"""The operators' console: pages, a stream to browsers, orders and their audit log.

It shows the grid and sends orders to the balancer. It is never on the path of a charging request.
"""
