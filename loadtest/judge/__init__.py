"""What a run means: the figures that follow from the records, and the thresholds that they pass or fail."""
