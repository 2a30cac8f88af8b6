"""``slotkeeper simulate-calls``: many callers at once, as a voice agent would speak for them."""

import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from slotkeeper.cli.params import Id, ServerUrl
from slotkeeper.cli.shell import JSON, Shell, progress_bar, table
from slotkeeper.domain.errors import Conflict, SlotkeeperError
from slotkeeper.load.asking import Asker
from slotkeeper.load.callers import Clinic
from slotkeeper.load.calls import Calls, Round, find_clinic
from slotkeeper.load.doors import BareApi, Tools
from slotkeeper.load.figures import FEWEST
from slotkeeper.load.target import target_of
from slotkeeper.settings import KEY_VARIABLE, Settings

DOORS = (("tools", Tools), ("bare API", BareApi))
SHOWN = 5
"""How many of the things that are wrong are shown."""
_HEADER = ("", "answers", "/s", *(f"p{share * 100:.0f} ms" for share in FEWEST))


@click.command("simulate-calls", short_help="Let many callers ring at once, and look into the books afterwards.")
@click.argument("callers", type=click.IntRange(1, 1000))
@click.option("--url", type=ServerUrl(), default="http://127.0.0.1:8000", show_default=True, help="The server.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    envvar=KEY_VARIABLE,
    help=f"An API key; several are shared by the callers in turn.  [{KEY_VARIABLE}]",
)
@click.option("--service", type=Id(), help="What they ask for.  [default: the service with most room]")
@click.option("--branch", type=Id(), help="Where.  [default: the branch with most room]")
@click.option(
    "--hesitate", type=click.FloatRange(0, 30), default=2, show_default=True, help="For how many seconds at most."
)
@JSON
def simulate_calls(callers: int, url: str, keys: Sequence[str], as_json: bool, **given: Any) -> None:
    """Let many callers ring at once, first through the tools for voice agents, then through the bare API.

    They ask what is free, have a place held, hesitate, book, hang up, ring again, book two children, send a
    booking twice, move it, cancel it. Then it waits until the last hold has run out, and looks into the books:
    nothing may be oversold, no place left hanging, no promise broken.

    A key needs the scopes slots:read, appointments:read and appointments:write and no rate limit. A key keeps 20
    holds at most: callers beyond that book straight away, unless there are more keys. What was booked is
    cancelled at the end, also after Ctrl-C.

    \b
    Example:  slotkeeper simulate-calls 200
    """
    if not keys:
        raise click.UsageError(f"name an API key with --key, or better in the variable {KEY_VARIABLE}.")
    askers = [Asker(target_of(url), url, key) for key in keys]
    askers[0].require_slotkeeper()
    today = datetime.now(UTC).date()
    clinic = find_clinic(askers[0], service=given["service"], branch=given["branch"], today=today)
    calls = Calls(askers, clinic, callers=callers, hesitate=given["hesitate"])
    rounds, dangling = _ring(calls, askers, clinic)
    answer = {
        "url": url,
        "callers": callers,
        "rounds": [_answer(one) for one in rounds],
        "p99_ratio": _ratio(rounds),
        "dangling": dangling,
    }
    Shell(Settings(), as_json).show(answer, _lines(rounds, dangling, callers))
    if dangling or any(one.oversold or one.broken for one in rounds):
        raise Conflict("What stands in the books is not what the callers were told: see above.")


def _ring(calls: Calls, askers: Sequence[Asker], clinic: Clinic) -> tuple[list[Round], list[str]]:
    """The rounds, and what dangles after them; what was booked is cancelled whatever happens."""
    rounds = []
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for name, door in DOORS:
            with progress_bar(f"Calls, {name}") as progress:
                rounds.append(calls.ring(name, [door(asker, clinic) for asker in askers], progress))
            calls.take_back()
        with progress_bar("Waiting for the last hold to run out") as progress:
            return rounds, calls.find_dangling(progress)
    except BaseException:
        _take_back(calls)
        raise


def _take_back(calls: Calls) -> None:
    click.echo("Cancelling what was booked …", err=True)
    try:
        calls.take_back()
    except (SlotkeeperError, KeyboardInterrupt) as error:
        reason = f": {error.message}" if isinstance(error, SlotkeeperError) else "."
        click.echo(
            f"Warning: not everything that was booked is cancelled{reason} Its patients are called '{calls.name} …'.",
            err=True,
        )


def _ratio(rounds: Sequence[Round]) -> float:
    """The p99 of the tools in times that of the bare API."""
    tools, bare = (one.notes.percentile(0.99) for one in rounds)
    return tools / bare


def _answer(one: Round) -> dict[str, Any]:
    """A round as JSON."""
    return {
        "door": one.door,
        "answers": len(one.notes.seconds),
        "answers_per_second": one.notes.rate,
        **{f"p{share * 100:.0f}_ms": one.notes.percentile(share) for share in FEWEST},
        "outcomes": dict(one.notes.outcomes.most_common()),
        "refusals": dict(one.notes.refusals.most_common()),
        "oversold": one.oversold,
        "broken": one.broken,
    }


def _lines(rounds: Sequence[Round], dangling: Sequence[str], callers: int) -> list[str]:
    found = [f"{callers} callers at once", *table(_HEADER, [_figures(one) for one in rounds])]
    found.append(f"The p99 of the tools is {_ratio(rounds):.2f} times that of the bare API.")
    for one in rounds:
        found += ["", f"How the calls ended, {one.door}:"]
        found += [f"  {number:>5}  {words}" for words, number in one.notes.outcomes.most_common()]
        found += [f"  {number:>5}  times refused with {code}" for code, number in one.notes.refusals.most_common()]
        found += [*_wrong("places oversold", one.oversold), *_wrong("promises broken", one.broken)]
    return [*found, "", "After the last hold had run out:", *_wrong("places left hanging", dangling)]


def _figures(one: Round) -> tuple[str, ...]:
    times = (f"{one.notes.percentile(share):.1f}" for share in FEWEST)
    return (one.door, f"{len(one.notes.seconds):,}", f"{one.notes.rate:.0f}", *times)


def _wrong(words: str, found: Sequence[str]) -> list[str]:
    return [f"  {len(found):>5}  {words}", *(f"         {line}" for line in found[:SHOWN])]
