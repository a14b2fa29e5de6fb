"""Creates the secrets of the composition in a volume, once, before the services start."""
