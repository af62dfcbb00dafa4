"""Pillar: governance and trust alike. Job: run statements that the gateway made, over private working copies.

An engine keeps a disposable copy of the dataset versions in use, with one stored boolean column per mask and
one stored column per pseudonym, and answers inside snapshots. It decides nothing: which rows a mask lets
through is told to it. Only `publica.data` and `publica.gateway` import an engine itself.
"""

from publica.data.engines.duckdb import Engine
from publica.data.engines.model import EngineLimits, MaskUpdate, Scope
from publica.data.engines.snapshot import Snapshot

__all__ = ["Engine", "EngineLimits", "MaskUpdate", "Scope", "Snapshot"]
