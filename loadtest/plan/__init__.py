"""Which cars arrive when and what each requests: the presets, the plans, and the oracle that places a plan ideally.

It never sends anything, and needs no grid: the same seed gives the same plan.
"""
