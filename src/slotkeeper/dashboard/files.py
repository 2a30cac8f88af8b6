"""The static files."""

from starlette.responses import Response

from slotkeeper.dashboard.static_files import FOREVER, find_file
from slotkeeper.dashboard.visit import Answer, Visit
from slotkeeper.domain.errors import NotFound


async def show_file(visit: Visit) -> Answer:
    """A static file by its public name. Raises NotFound."""
    file = find_file(visit.target("name"))
    if file is None:
        raise NotFound(visit.texts.gettext("The address leads nowhere: it may be mistyped, or out of date."))
    headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
    if "gzip" in visit.request.headers.get("accept-encoding", ""):
        return Response(file.compressed, 200, headers | {"content-encoding": "gzip"}, file.media_type)
    return Response(file.content, 200, headers, file.media_type)
