"""Hostile input for every listener and every decoder: `make fuzz MINUTES=n`, and a short form of it as a test.

Nothing here knows how a service reads its input. What must hold: no process ends, no answer is a 5xx that its body does not
explain, no service logs an error, and memory does not grow with the number of inputs.
"""
