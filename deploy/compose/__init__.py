"""What the composition runs once before the services: secrets in a volume."""
