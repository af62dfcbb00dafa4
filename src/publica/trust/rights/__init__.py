"""Trust, rights: what a person may ask for about themselves, and gets within a time.

Its job: the bundle of everything that is held about somebody (access), and requests to correct what is wrong,
which reach whoever answers for the data, with a clock.
"""

from publica.trust.rights import store as store
