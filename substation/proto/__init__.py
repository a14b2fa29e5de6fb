"""Generated code of the substation's messages; `make proto` writes it."""
