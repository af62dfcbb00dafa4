"""Publica: the data layer of a data-driven public sector."""

__version__ = "0.1.0"
