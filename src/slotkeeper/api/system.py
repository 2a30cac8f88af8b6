"""Whether the server works, and what its interface is; open to everybody."""

from slotkeeper.api.request import Page, Request
from slotkeeper.api.schemas import HealthView


async def get_health(_: Request) -> HealthView:
    """Say that the server process answers; asks nothing of the database."""
    return HealthView(True, "alive")


async def get_readiness(request: Request) -> HealthView:
    """Say that the database answers and is on a schema step that this program runs on.

    ``degraded``: a node of a distributed database is away, with some of the organizations; the others are served.
    """
    return HealthView(True, "ready" if await request.site.is_whole() else "degraded")


async def get_openapi(request: Request) -> Page:
    """Show this document."""
    return request.site.pages["/openapi.json"]


async def get_docs(request: Request) -> Page:
    """Show this document as a page for people."""
    return request.site.pages["/docs"]
