"""More than the grid has room for, and more than its gateway can answer (`make overload`)."""
