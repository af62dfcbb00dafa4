"""The demo (all pillars): a fictional area of twelve municipalities, so that everything can be tried at once.

`build` writes its records, synthetic people (the same ones for the same number), real open tables and the
people's choices; `tour.run` makes an instance of them and shows, step by step, what Publica does.
"""

from publica.demo.material import Load, Material, build

__all__ = ["Load", "Material", "build"]
