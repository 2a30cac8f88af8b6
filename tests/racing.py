"""What one process of a race does; in a module of its own, so that a fresh process can import it."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from slotkeeper.domain import access
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.operations import appointments, schedule
from slotkeeper.store.sqlite import SqliteDatabase


class Place(NamedTuple):
    """What a race is about."""

    path: Path
    org_id: str
    calendar_id: str
    on: date
    service_id: str


def book(place: Place, racer: int, rounds: int, now: int, *, cancelling: bool) -> Counter[str]:
    """Book as often as told, perhaps cancelling every third booking again; how each attempt ended."""
    outcomes: Counter[str] = Counter()

    async def act(db: SqliteDatabase, number: int) -> None:
        operator = access.operator(place.org_id)
        try:
            made = await appointments.book_appointment(
                db,
                operator,
                calendar_id=place.calendar_id,
                on=place.on,
                wall_time="09:00",
                service_id=place.service_id,
                patient_name=f"Racer {racer}-{number}",
                parent_phone=f"0049{racer:03d}{number:06d}",
                now=now,
            )
        except SlotkeeperError as refusal:
            outcomes[refusal.code] += 1
            return
        outcomes["BOOKED"] += 1
        if cancelling and number % 3 == 0:
            await appointments.cancel_appointment(db, operator, made.appointment_id, now=now)
            outcomes["CANCELLED"] += 1

    async def all_at_once(db: SqliteDatabase) -> None:
        await asyncio.gather(*(act(db, number) for number in range(rounds)))

    _with_database(place, all_at_once)
    return outcomes


def regenerate(place: Place, rounds: int, now: int) -> int:
    """Regenerate the date again and again; how often something could not be written."""
    errors = 0

    async def again(db: SqliteDatabase) -> None:
        nonlocal errors
        for _ in range(rounds):
            operator = access.operator(place.org_id)
            done = await schedule.regenerate(db, operator, date_from=place.on, date_to=place.on, dry_run=False, now=now)
            errors += done.errors

    _with_database(place, again)
    return errors


def _with_database(place: Place, work: Any) -> None:
    async def main() -> None:
        db = SqliteDatabase(place.path)
        try:
            await work(db)
        finally:
            await db.close()

    run: Coroutine[Any, Any, None] = main()
    asyncio.run(run)
