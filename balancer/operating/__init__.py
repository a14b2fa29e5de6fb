"""What operators order: policy, drains, limits, decommissions; and finding and stopping sessions."""
