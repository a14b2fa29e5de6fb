"""What the running grid is made of: the locked dependencies, against a database of known vulnerabilities."""
