"""A turn: one call of a tool, with who calls, what is known of the clinic, and the way to answer."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from slotkeeper.domain.access import Caller, Once
from slotkeeper.domain.calendar import local
from slotkeeper.domain.model import Branch
from slotkeeper.operations import Database
from slotkeeper.operations.acts import Act, Replayed
from slotkeeper.operations.facts import Knowledge, Known
from slotkeeper.operations.line import Line
from slotkeeper.texts import Texts
from slotkeeper.tools.answer import MOST_OPTIONS, Answer, Option, decode, encode, fit, fits
from slotkeeper.tools.speech import Speech

Result = TypeVar("Result")

MOST_AGAIN = 50
"""How often the same may be done, undone and done again in one phone call."""


class Site(NamedTuple):
    """What all calls share. ``hold_seconds``: for how long a place is kept while the caller spells a name."""

    db: Database
    line: Line
    knowledge: Knowledge
    hold_seconds: int


class ToolCall(NamedTuple):
    """What the platform says of a call.

    ``idempotency_key`` is the client's own, ``tool_call_id`` the platform's id of this very call of a tool, ``call_id``
    that of the phone call. ``language`` is the tag of a language, or what an Accept-Language header says.
    """

    idempotency_key: str | None = None
    tool_call_id: str | None = None
    call_id: str | None = None
    language: str = ""


class Repeat(NamedTuple):
    """What makes a call take effect once. ``is_said``: the client or the platform says which calls are the same."""

    key: str
    fingerprint: str
    is_said: bool

    @property
    def keys(self) -> Sequence[str]:
        """The key of the first time, and those for doing the same again after it was undone, if it may be."""
        return [self.key, *(f"{self.key}-{again}" for again in range(1, 1 if self.is_said else MOST_AGAIN))]


class Mend(Exception):
    """What the caller can mend: an answer that nothing was done, and what to say or to ask instead."""

    def __init__(
        self,
        reason_code: str,
        spoken: str,
        *,
        options: Sequence[Option] = (),
        on: date | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(reason_code)
        self.reason_code = reason_code
        self.spoken = spoken
        self.options = options
        self.on = on
        self.data = data or {}


async def always(_: Answer) -> bool:
    """What was done stands whatever came after it."""
    return True


class Turn(NamedTuple):
    """One call of a tool."""

    site: Site
    caller: Caller
    known: Known
    now: int
    texts: Texts
    repeat: Repeat | None

    @property
    def say(self) -> Speech:
        """How things are said in the caller's language."""
        return Speech(self.texts)

    def zone(self, branch: Branch | None = None) -> str:
        """The time zone of a branch; without one that of the only branch, or the organization's."""
        if branch is not None:
            return self.known.zones[branch.branch_id]
        zones = set(self.known.zones.values())
        return zones.pop() if len(zones) == 1 else self.known.configuration.timezone

    def today(self, timezone: str) -> date:
        """The date in a zone."""
        return local(self.now, timezone).date()

    def answer(
        self,
        reason_code: str,
        spoken: str,
        *,
        ok: bool = True,
        on: date | None = None,
        timezone: str | None = None,
        options: Sequence[Option] = (),
        data: Mapping[str, object] | None = None,
    ) -> Answer:
        """An answer; machine fields that are None are left out."""
        zone = timezone or self.zone()
        return Answer(
            ok,
            reason_code,
            spoken,
            None if on is None else on.isoformat(),
            local(self.now, zone).isoformat(timespec="seconds"),
            zone,
            list(options[:MOST_OPTIONS]),
            {name: value for name, value in (data or {}).items() if value is not None},
        )

    def offer(
        self,
        reason_code: str,
        speak: Callable[[Sequence[Option]], str],
        options: Sequence[Option],
        *,
        ok: bool = True,
        on: date | None = None,
        timezone: str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> Answer:
        """An answer that names its options: as many as there is room for, and not one that is not there."""
        for most in range(MOST_OPTIONS, 0, -1):
            named = options[:most]
            found = self.answer(reason_code, speak(named), ok=ok, on=on, timezone=timezone, options=named, data=data)
            if fits(found):
                break
        return found

    async def write(
        self,
        act: Callable[[Caller], Awaitable[Result]],
        say: Callable[[Result], Answer],
        *,
        stands: Callable[[Answer], Awaitable[bool]] = always,
    ) -> Answer:
        """Do something that takes effect once, and say what came of it; a repeat gets the first answer.

        Where a repeat is known only by the phone call and by what was asked for, it is none if what was done has been
        undone since: a caller may change their mind twice. ``stands`` tells.
        """
        if self.repeat is None:
            return say(await act(self.caller))
        for key in self.repeat.keys:
            written: list[Answer] = []

            def write(result: Result, written: list[Answer] = written) -> tuple[int, str]:
                written.append(fit(say(result)))
                return 200, encode(written[-1]).decode()

            try:
                await act(self.caller.with_once(Once(key, self.repeat.fingerprint, write)))
            except Replayed as before:
                first = decode(before.answer)
                if self.repeat.is_said or await stands(first):
                    return first
            else:
                return written[-1]
        return first

    async def recall(self) -> Answer | None:
        """What the same call was answered last, where it cannot be done again; None where it is a first one.

        Raises Conflict where its key belongs to another call.
        """
        found: Answer | None = None
        if self.repeat is None:
            return None
        for key in self.repeat.keys:
            once = Once(key, self.repeat.fingerprint, lambda _: (200, ""))
            try:
                await Act(self.caller.with_once(once), "tools.call", None, self.now).require_new(self.site.db)
            except Replayed as before:
                found = decode(before.answer)
            else:
                break
        return found


def repeat_of(tool: str, canonical: bytes, call: ToolCall) -> Repeat | None:
    """What a repeat of a call is known by; None where nothing tells one.

    Two calls of a tool are the same with the same key of the client's; else with the same id of the platform's and the
    same arguments; else with the same arguments in the same phone call. The id of a phone call alone never tells:
    a mother books two children in one.
    """
    fingerprint = hashlib.sha256(f"tool {tool}\n".encode() + canonical).hexdigest()
    if call.idempotency_key is not None:
        return Repeat(call.idempotency_key, fingerprint, True)
    for kind, said in (("tool-call", call.tool_call_id), ("call", call.call_id)):
        if said:
            parts = [kind, call.call_id or "", said, fingerprint]
            key = hashlib.sha256("\n".join(parts).encode(errors="backslashreplace")).hexdigest()
            return Repeat(f"{kind}:{key}", fingerprint, kind == "tool-call")
    return None


Arguments = Mapping[str, Any]
"""The arguments of a call as a platform sends them."""
