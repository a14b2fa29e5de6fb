"""The operator's console: its pages, its stream to browsers, the operators' orders and their audit.

It shows the grid and passes orders to the balancer. It is never on the path of a charging request.
"""
