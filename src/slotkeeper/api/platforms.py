"""The tools of voice agents as the platforms call them, each in its own shape (docs/platforms/).

These are not in the OpenAPI document: what is sent and what is answered is what each platform's documentation says.
Where a platform drops every answer that is no success, what came in between is told in one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from slotkeeper.api.reading import read_object
from slotkeeper.api.request import Operation, Page, Reading, Request
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.platforms import flat, retell, vapi
from slotkeeper.platforms.asked import Asked
from slotkeeper.tools.answer import Answer, encode
from slotkeeper.tools.calls import call_tool
from slotkeeper.tools.refusals import sorry

JSON = "application/json"
LARGEST = 1024 * 1024
"""The largest body in bytes: with each call of a tool some platforms send all that was said before."""


class Sent(msgspec.Struct):
    """Whatever a platform sends."""


async def call_from_vapi(request: Request) -> Page:
    """Call the tools of a message one after the other, because one may need what the one before did."""
    calls = vapi.read(_read(request))
    if calls is None:
        return _page({})  # a message about something else, to which nothing is to be said
    return _page(vapi.Results([vapi.result(one.id, await _outcome(request, one.asked)) for one in calls]))


async def call_from_retell(request: Request) -> Page:
    """Call the tool of a custom function."""
    return _answered(await _call(request, retell.read(_read(request))))


async def call_from_elevenlabs(request: Request) -> Page:
    """Call the tool that the address names."""
    return _answered(await _call(request, flat.read_elevenlabs(request.target, _read(request))))


async def call_from_bolna(request: Request) -> Page:
    """Call the tool that the address names."""
    return _answered(await _call(request, flat.read_bolna(request.target, _read(request))))


def _read(request: Request) -> Mapping[str, Any]:
    """The object that a platform sent. Raises InvalidInput.

    With all that was said so far it may be long, and others wait meanwhile: so it is read the quick way, and the
    strict one says what is wrong.
    """
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    return found if isinstance(found, dict) else read_object(request.body)


async def _outcome(request: Request, asked: Asked | SlotkeeperError) -> Answer | SlotkeeperError:
    """What came of one call of several: the others go on, whatever it is."""
    if isinstance(asked, SlotkeeperError):
        return asked
    try:
        return await _call(request, asked)
    except SlotkeeperError as error:
        return error


async def _call(request: Request, asked: Asked) -> Answer:
    language = request.headers.get(b"accept-language", b"").decode("latin-1")
    call = asked.call._replace(language=language)
    return await call_tool(request.site.tools, request.caller, asked.tool, asked.arguments, now=request.now, call=call)


async def refused_to_vapi(error: SlotkeeperError, read: Reading) -> Page:
    """Vapi ignores whatever comes with another status than 200, and finds what it asked for by the ids of its calls."""
    results = [vapi.result(own, error) for own in vapi.ids_in(await read())]
    return _page(vapi.Results(results) if results else vapi.Results(error=vapi.on_one_line(error.message)))


async def refused_aloud(error: SlotkeeperError, _: Reading) -> Page | None:
    """Something to say about what may pass; None for what whoever set the tool up has to mend."""
    said = sorry(error)
    return None if said is None else Page(JSON, said)


def _answered(answer: Answer) -> Page:
    return Page(JSON, encode(answer))


def _page(content: object) -> Page:
    return Page(JSON, msgspec.json.encode(content))


PLATFORMS = "/v1/platforms"
PLATFORM_OPERATIONS: tuple[Operation, ...] = tuple(
    Operation(
        "POST",
        f"{PLATFORMS}/{path}",
        None,
        handler,
        summary,
        answer=Answer,
        body=Sent,
        any_key=True,
        largest=LARGEST,
        refused=refused,
    )
    for path, handler, summary, refused in (
        ("vapi", call_from_vapi, "Call tools from Vapi", refused_to_vapi),
        ("retell", call_from_retell, "Call a tool from Retell", refused_aloud),
        ("elevenlabs/{tool}", call_from_elevenlabs, "Call a tool from ElevenLabs", refused_aloud),
        ("bolna/{tool}", call_from_bolna, "Call a tool from Bolna", refused_aloud),
    )
)
"""How the platforms reach the tools, on one page."""
