"""The one way in: a tool is called by its name, whatever carried the call here."""

from collections.abc import Sequence

import msgspec

from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import NotFound, SlotkeeperError
from slotkeeper.operations.facts import get_known
from slotkeeper.texts import texts_for
from slotkeeper.tools.answer import Answer, fit
from slotkeeper.tools.arguments import Unreadable, read
from slotkeeper.tools.refusals import is_mendable, mend
from slotkeeper.tools.standing import stands
from slotkeeper.tools.table import TOOLS, Tool
from slotkeeper.tools.turn import Arguments, Mend, Site, ToolCall, Turn, repeat_of

__all__ = ["Site", "ToolCall", "call_tool", "list_tools"]

_BY_NAME = {tool.name: tool for tool in TOOLS}


def list_tools(caller: Caller) -> Sequence[Tool]:
    """The tools that a key's scopes allow, in the order of the table."""
    return [tool for tool in TOOLS if tool.scope in caller.scopes]


async def call_tool(site: Site, caller: Caller, name: str, arguments: Arguments, *, now: int, call: ToolCall) -> Answer:
    """Call a tool, and answer in one breath.

    What a caller or a model can mend is an answer with ``ok`` false: bad arguments and refusals by a rule too.
    Raises NotFound for a tool that there is not, InsufficientScope, RateLimitExceeded, Unavailable.
    """
    tool = _BY_NAME.get(name)
    if tool is None:
        shown = name[:40].encode(errors="replace").decode()
        raise NotFound(f"There is no tool '{shown}'; 'GET /v1/tools' lists those that there are.")
    caller.require(tool.scope)
    known = await get_known(site.db, site.knowledge, caller)
    texts = texts_for(None, call.language)
    turn = Turn(site, caller, known, now, texts, None)
    try:
        said = read(tool.arguments, arguments)
        if not tool.is_read_only:
            turn = turn._replace(repeat=repeat_of(tool.name, msgspec.json.encode(said), call))
        return fit(await _run(tool, turn, said))
    except Unreadable as unreadable:
        found = _unreadable(turn, unreadable)
    except Mend as told:
        found = told
    except SlotkeeperError as error:
        if not is_mendable(error):
            raise
        found = mend(turn, error)
    return fit(
        turn.answer(found.reason_code, found.spoken, ok=False, on=found.on, options=found.options, data=found.data)
    )


async def _run(tool: Tool, turn: Turn, said: msgspec.Struct) -> Answer:
    """Run a tool. One that refuses what it did before, because it did it, gives that answer again, if it stands."""
    try:
        return await tool.run(turn, said)
    except (Mend, SlotkeeperError):
        last = await turn.recall()
        if last is None or turn.repeat is None or not (turn.repeat.is_said or await stands(turn, last)):
            raise
        return last


def _unreadable(turn: Turn, unreadable: Unreadable) -> Mend:
    """Arguments that cannot be worked with: what to ask the caller for, and what the model has to send."""
    gettext = turn.texts.gettext
    wrong = unreadable.wrong | {argument.name: "is required" for argument in unreadable.missing}
    asks = [gettext(argument.said.ask) for argument in unreadable.missing if argument.said.ask]
    spoken = gettext("I could not do that; let me ask you again.")
    if asks:
        spoken = gettext("Please tell me %(what)s.", what=turn.say.all(asks))
    return Mend("BAD_ARGUMENTS", spoken, data={"wrong": wrong})
