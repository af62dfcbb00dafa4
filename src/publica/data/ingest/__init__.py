"""Ingest: from files that others wrote to an immutable, checked version.

Part of the data area. Its job: find out what a file really is, measure what was read against an independent
count, hold every value to the schema, give persons their positions, and publish all of it or nothing.
"""

from publica.data.ingest.actions import Progress, load

__all__ = ["Progress", "load"]
