"""The HTTP API, and the protocols that others already speak: one router for each subject."""
