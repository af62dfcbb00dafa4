"""Trust: why people can rely on it."""
