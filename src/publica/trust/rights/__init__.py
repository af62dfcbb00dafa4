"""Trust, rights: what a person may ask for about themselves, and gets within a time.

Its job: everything that is held about somebody (access), and requests to correct what is wrong, which reach
whoever answers for the data, with a clock.
"""

from publica.trust.rights.access import Held, OwnRows, held, own_rows
from publica.trust.rights.model import Content, Opened, State, Waiting, What

__all__ = ["Content", "Held", "Opened", "OwnRows", "State", "Waiting", "What", "held", "own_rows"]
