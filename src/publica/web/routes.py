"""Every router of the pages, to be given to the application: `create_app(…, routers=ROUTERS)`."""

from __future__ import annotations

from publica.web import analyst, asking, citizen, office, public, static, steward

ROUTERS = (
    static.router,
    public.router,
    citizen.router,
    analyst.router,
    asking.router,
    steward.router,
    office.router,
)
