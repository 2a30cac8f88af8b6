"""What is remembered of an answer while nothing is written (operations/availability.py), moment by moment."""

from datetime import date

import pytest

from slotkeeper.api.availability import write_availability
from slotkeeper.domain.access import operator
from slotkeeper.operations.availability import Asked, Question, Replies
from tests.world import MONDAY, Cast, World

QUESTION = Question(date.fromisoformat(MONDAY))
WORDS = (b"Bearer key", b"date=" + MONDAY.encode())


class Desk:
    def __init__(self, world: World, org_id: str) -> None:
        self.world, self.caller = world, operator(org_id)
        self.replies = Replies(write_availability)

    def ask(self, stamp: int | None, *, now: int) -> bytes | None:
        """What is remembered when the words come with a stamp; where nothing is, they are answered."""
        standing = self.replies.recall(Asked(stamp, WORDS), now)
        return None if standing is None else standing.reply

    def answer(self, stamp: int | None, *, now: int) -> bytes:
        proof = (1, 1)
        return self.world.run(
            self.replies.get(self.world.db, self.caller, QUESTION, proof, Asked(stamp, WORDS), now=now)
        )


@pytest.fixture
def desk(world: World, cast: Cast) -> Desk:
    return Desk(world, cast.owner_org)


def test_the_same_words_are_remembered_under_the_same_stamp_only(desk: Desk) -> None:
    assert desk.ask(1, now=5) is None
    reply = desk.answer(1, now=5)
    assert desk.ask(1, now=6) == reply
    assert desk.ask(2, now=7) is None
    assert desk.ask(1, now=8) is None, "what was dropped does not come back"


def test_an_answer_that_came_late_is_not_remembered_under_a_newer_stamp(desk: Desk) -> None:
    """Something was written while the request waited, for its key's limit perhaps."""
    assert desk.ask(1, now=5) is None
    assert desk.ask(2, now=6) is None
    desk.answer(1, now=5)
    assert desk.ask(2, now=7) is None


def test_a_clock_that_steps_back_finds_nothing_that_was_answered_later(desk: Desk) -> None:
    desk.ask(1, now=5)
    desk.answer(1, now=5)
    assert desk.ask(1, now=4) is None


def test_without_a_stamp_nothing_is_remembered(desk: Desk) -> None:
    desk.ask(None, now=5)
    desk.answer(None, now=5)
    assert desk.ask(None, now=6) is None
