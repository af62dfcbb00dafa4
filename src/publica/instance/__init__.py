"""The instance: configuration, keys, kinds of record, engine; everything below put together once."""

from publica.instance.instance import Instance

__all__ = ["Instance"]
