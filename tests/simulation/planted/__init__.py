"""Bugs by name, to be planted in the production code: the simulation must find each of them.

Each is the slip that its first line says, as somebody could make it. `caught.py` says by which seed it is found.
"""

from tests.simulation.planted import in_balancers, in_streams, in_substations
from tests.simulation.planted.registry import PLANTED

__all__ = ["PLANTED", "in_balancers", "in_streams", "in_substations"]
