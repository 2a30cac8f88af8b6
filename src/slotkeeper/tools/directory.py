"""Services and branches: listed, and found by what somebody calls them on the phone."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, TypeVar

from msgspec import Struct

from slotkeeper.domain.model import Branch, Service, fold
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.tools.answer import MOST_OPTIONS, Answer, Option
from slotkeeper.tools.arguments import Said
from slotkeeper.tools.turn import Mend, Turn

Item = TypeVar("Item", Branch, Service)

ALIKE = 0.8
"""How much of two words must be the same where one may have been misheard."""

_UNTOLD = frozenset({"a", "an", "the", "my", "for", "appointment", "service", "branch", "clinic", "please", "at", "in"})
"""Words that people add to a name."""
_ANY = frozenset({"any", "any branch", "any one", "anyone", "either", "either one", "whichever", "no preference"})
"""What people say where every branch would do."""


class ListServices(Struct, frozen=True):
    """The arguments of ``list_services``."""

    like: Annotated[str | None, Said("Only services whose name is like these words; null for all.")] = None


class ListBranches(Struct, frozen=True):
    """The arguments of ``list_branches``."""

    like: Annotated[str | None, Said("Only branches whose name is like these words; null for all.")] = None


async def list_services(turn: Turn, said: ListServices) -> Answer:
    """Name what can be booked."""
    offered = _like([service for service in turn.known.services if service.active], said.like)
    gettext = turn.texts.gettext
    if not offered:
        spoken = gettext("I do not find such a service here.")
    else:
        spoken = gettext("You can book %(services)s.", services=turn.say.all(_names(turn, offered)))
    return turn.answer(
        "LISTED" if offered else "SERVICE_UNKNOWN",
        spoken,
        ok=bool(offered),
        options=[_service_option(turn, service) for service in offered],
        data={"total": len(offered), "names": [turn.say.name(service.name) for service in offered]},
    )


async def list_branches(turn: Turn, said: ListBranches) -> Answer:
    """Name the places where one can go."""
    found = _like(turn.known.branches, said.like)
    gettext = turn.texts.gettext
    if not found:
        spoken = gettext("I do not find such a branch.")
    elif len(found) == 1:
        spoken = gettext("Our branch is %(branch)s.", branch=turn.say.name(found[0].name))
    else:
        spoken = gettext("Our branches are %(branches)s.", branches=turn.say.all(_names(turn, found)))
    return turn.answer(
        "LISTED" if found else "BRANCH_UNKNOWN",
        spoken,
        ok=bool(found),
        options=[_branch_option(turn, branch) for branch in found],
        data={"total": len(found), "names": [turn.say.name(branch.name) for branch in found]},
    )


def choose_service(turn: Turn, said: str | None) -> Service:
    """The service that is meant; the only one where none is named. Raises Mend with the question to ask back."""
    gettext = turn.texts.gettext
    offered = [service for service in turn.known.services if service.active]
    if said is None:
        if len(offered) == 1:
            return offered[0]
        if not offered:
            raise Mend("SERVICE_NOT_OFFERED", gettext("Nothing can be booked here at the moment."))
        question = gettext("What is the appointment for: %(services)s?", services=_to_choose(turn, offered))
        raise Mend("SERVICE_NEEDED", question, options=[_service_option(turn, one) for one in offered])
    found = find(offered, said)
    if len(found) == 1:
        return found[0]
    if found:
        question = gettext("Which one do you mean: %(services)s?", services=_to_choose(turn, found))
        raise Mend("SERVICE_AMBIGUOUS", question, options=[_service_option(turn, one) for one in found])
    if find([service for service in turn.known.services if not service.active], said):
        raise Mend(
            "SERVICE_NOT_OFFERED",
            gettext(
                "That is not offered at the moment; you can book %(services)s.", services=_to_choose(turn, offered)
            ),
            options=[_service_option(turn, one) for one in offered],
        )
    raise Mend(
        "SERVICE_UNKNOWN",
        gettext("I do not find that service; you can book %(services)s.", services=_to_choose(turn, offered)),
        options=[_service_option(turn, one) for one in offered],
    )


def choose_branch(turn: Turn, said: str | None) -> Branch:
    """The branch that is meant; the only one where none is named. Raises Mend with the question to ask back."""
    found = find_branch(turn, said)
    if found is not None:
        return found
    gettext, known = turn.texts.gettext, turn.known.branches
    question = gettext("Which branch would you like: %(branches)s?", branches=_to_choose(turn, known))
    raise Mend("BRANCH_NEEDED", question, options=[_branch_option(turn, one) for one in known])


def find_branch(turn: Turn, said: str | None) -> Branch | None:
    """The branch that is meant; None where several would do because none is named. Raises Mend."""
    gettext, known = turn.texts.gettext, turn.known.branches
    if not known:
        raise Mend("BRANCH_UNKNOWN", gettext("Nothing can be booked here at the moment."))
    if said is None or fold(said) in _ANY:
        return known[0] if len(known) == 1 else None
    found = find(known, said)
    if len(found) == 1:
        return found[0]
    options = [_branch_option(turn, one) for one in found or known]
    if found:
        question = gettext("Which branch do you mean: %(branches)s?", branches=_to_choose(turn, found))
        raise Mend("BRANCH_AMBIGUOUS", question, options=options)
    raise Mend(
        "BRANCH_UNKNOWN",
        gettext("I do not find that branch; there is %(branches)s.", branches=_to_choose(turn, known)),
        options=options,
    )


def find(items: Sequence[Item], said: str) -> list[Item]:
    """The services or branches that may be meant by an id or a name: the same, or else like it."""
    wanted, folded = parse_uuid(said), fold(said)
    same = [item for item in items if item[0] == wanted or fold(item.name) == folded]
    return same or _like(items, said)


def _like(items: Sequence[Item], said: str | None) -> list[Item]:
    """Those whose names have the words that were said, or else sound alike."""
    if said is None:
        return list(items)
    words = _words(said)
    if not words:
        return []
    names = {item[0]: _words(item.name) for item in items}
    having = [item for item in items if all(_has(names[item[0]], word) for word in words)]
    if having:
        return having
    run = "".join(words)
    return [
        item
        for item in items
        if names[item[0]] and (set(names[item[0]]) <= set(words) or run in "".join(names[item[0]]))
    ]


def _has(name: Sequence[str], word: str) -> bool:
    """Whether a name has a word, or one that sounds like it."""
    return any(own.startswith(word) or difflib.SequenceMatcher(None, own, word).ratio() >= ALIKE for own in name)


def _words(text: str) -> list[str]:
    """The words of a name without marks over letters, signs and what people add."""
    plain = "".join(one for one in unicodedata.normalize("NFD", fold(text)) if not unicodedata.combining(one))
    words = re.findall(r"\w+", plain)
    return [word for word in words if word not in _UNTOLD] or words


def _names(turn: Turn, items: Sequence[Item]) -> list[str]:
    """The names to say: at most four, or three and how many more there are."""
    names: list[str] = _first_names(turn, items)
    more = len(items) - len(names)
    return names if not more else [*names, turn.texts.gettext("%(number)s more", number=turn.say.number(more))]


def _first_names(turn: Turn, items: Sequence[Item]) -> list[str]:
    """All names where one more than the options can be said instead of "one more", else as many as the options."""
    most = len(items) if len(items) == MOST_OPTIONS + 1 else MOST_OPTIONS
    return [turn.say.name(item.name) for item in items[:most]]


def _to_choose(turn: Turn, items: Sequence[Item]) -> str:
    """The names to choose from: at most four, or three and that there are others."""
    names: list[str] = _first_names(turn, items)
    return turn.say.either(names if len(items) == len(names) else [*names, turn.texts.gettext("another one")])


def _service_option(turn: Turn, service: Service) -> Option:
    return Option(turn.say.name(service.name), service_id=service.service_id)


def _branch_option(turn: Turn, branch: Branch) -> Option:
    return Option(turn.say.name(branch.name), branch_id=branch.branch_id)
