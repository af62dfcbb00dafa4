"""The pages (all pillars): what each person sees and does in a browser, one module for each asker.

They call the same actions as the API and the command line. No rule and no SQL is here: pages show what is,
and hand over what somebody decided. Everything works without JavaScript; nothing is loaded from elsewhere.
"""

from publica.web.errors import error_page
from publica.web.routes import ROUTERS

__all__ = ["ROUTERS", "error_page"]
