"""Generated gRPC code of the balancer; `make proto` writes it."""
