"""Generated code of the balancer's messages; `make proto` writes it."""
