"""The house: what holds for the source itself."""
