"""Generated gRPC code of the substation; `make proto` writes it."""
