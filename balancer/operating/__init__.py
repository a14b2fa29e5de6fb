"""The orders of operators: policy, drains, limits, decommissions; and finding and stopping sessions."""
