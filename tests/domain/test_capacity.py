"""The nested limits of contract section 2, sentence by sentence, then against a reading of their own."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.domain import capacity
from slotkeeper.domain.model import Channel, Override, Status, WindowDate

AI, STAFF = Channel.AI, Channel.STAFF
OPEN, CLOSED = Status.OPEN, Status.CLOSED
DAY = None  # the key of the window-date's own override


def day(
    max_slots: int = 20,
    ai_slots: int | None = 10,
    *,
    filled: int = 0,
    holds: int = 0,
    covered: bool = True,
    overrides: dict[str | None, Override] | None = None,
    service: str | None = None,
) -> WindowDate:
    return WindowDate(
        "w", date(2026, 6, 15), "b", "Morning", "MA", "09:00", "11:00", service,
        max_slots, ai_slots, covered, filled, holds, overrides or {}, 0, 0,
    )  # fmt: skip


def test_with_a_limit_of_5_for_one_service_in_a_window_of_20_it_closes_once_five_places_are_taken_by_anybody() -> None:
    limits: dict[str | None, Override] = {"vaccination": Override(max_slots=5)}
    assert capacity.has_room(day(filled=4, overrides=limits), "vaccination", STAFF)
    assert not capacity.has_room(day(filled=5, overrides=limits), "vaccination", STAFF)
    assert capacity.has_room(day(filled=5, overrides=limits), "checkup", STAFF)


def test_the_base_is_the_window_dates_override_else_the_windows() -> None:
    assert capacity.base(day()) == 20
    assert capacity.base(day(overrides={DAY: Override(max_slots=7)})) == 7


def test_an_override_of_zero_is_a_number_and_not_the_lack_of_one() -> None:
    assert capacity.base(day(overrides={DAY: Override(max_slots=0)})) == 0
    assert capacity.service_limit(day(overrides={"s": Override(max_slots=0)}), "s") == 0
    assert capacity.ai_limit(day(overrides={DAY: Override(ai_slots=0)}), 20) == 0
    assert capacity.ai_limit(day(ai_slots=0), 20) == 0


def test_an_override_replaces_the_number_it_overrides_and_may_be_lower_or_higher() -> None:
    for places in (3, 40):
        at = day(overrides={DAY: Override(max_slots=9), "s": Override(max_slots=places)})
        assert capacity.service_limit(at, "s") == places
        assert capacity.service_limit(at, "other") == 9


def test_the_ai_limit_is_the_lower_of_ai_and_the_services_limit() -> None:
    assert capacity.limit(day(), "s", AI) == 10
    assert capacity.limit(day(overrides={"s": Override(max_slots=4)}), "s", AI) == 4
    assert capacity.limit(day(overrides={"s": Override(max_slots=40)}), "s", AI) == 10
    assert capacity.limit(day(overrides={"s": Override(max_slots=40)}), "s", STAFF) == 40


def test_ai_is_the_window_dates_override_else_the_windows_else_the_services_limit() -> None:
    assert capacity.limit(day(overrides={DAY: Override(ai_slots=15)}), "s", AI) == 15
    assert capacity.limit(day(overrides={DAY: Override(ai_slots=99)}), "s", AI) == 20
    assert capacity.limit(day(ai_slots=None), "s", AI) == 20
    assert capacity.limit(day(ai_slots=None, overrides={"s": Override(max_slots=33)}), "s", AI) == 33


@pytest.mark.parametrize(("own", "whole", "covered"), list(product([None, OPEN, CLOSED], [None, OPEN, CLOSED], [0, 1])))
def test_the_status_is_the_first_that_speaks(own: Status | None, whole: Status | None, covered: int) -> None:
    at = day(covered=bool(covered), overrides={"s": Override(status=own), DAY: Override(status=whole)})
    expected = CLOSED if not covered else own or whole or OPEN
    assert capacity.status(at, "s") is expected
    assert capacity.has_room(at, "s", STAFF) is (expected is OPEN)


def test_filled_and_live_holds_together_reach_the_limit() -> None:
    assert capacity.has_room(day(filled=6, holds=3), "s", AI)
    assert not capacity.has_room(day(filled=6, holds=4), "s", AI)
    assert capacity.has_room(day(filled=6, holds=4), "s", STAFF)


def test_what_is_left_never_goes_below_zero() -> None:
    assert capacity.left(10, day(filled=12, holds=3)) == 0
    assert capacity.left(10, day(filled=3, holds=2)) == 5


def test_a_slot_shows_the_largest_limit_among_the_services_whose_record_is_open() -> None:
    overrides: dict[str | None, Override] = {
        "big": Override(status=CLOSED, max_slots=90), "mid": Override(max_slots=30), "low": Override(max_slots=5)
    }  # fmt: skip
    shown = capacity.slot(day(overrides=overrides), ["big", "mid", "low"])
    assert (shown.max_slots, shown.ai_slots, shown.status) == (30, 10, "OPEN")
    only_low = capacity.slot(day(overrides=overrides), ["big", "low"])
    assert (only_low.max_slots, only_low.ai_slots, only_low.available_slots) == (5, 5, 5)


def test_a_slot_with_no_open_service_is_closed() -> None:
    assert capacity.slot(day(overrides={DAY: Override(status=CLOSED)}), ["s"]).status == "CLOSED"
    assert capacity.slot(day(covered=False), ["s"]).status == "CLOSED"
    assert capacity.slot(day(), []).status == "CLOSED", "all services inactive"
    assert capacity.slot(day(), [None]).status == "OPEN", "an organization with no service at all"


numbers = st.none() | st.integers(0, 30)
statuses = st.none() | st.sampled_from(list(Status))
overridden = st.builds(Override, status=statuses, max_slots=numbers, ai_slots=st.none())
whole_day = st.builds(Override, status=statuses, max_slots=numbers, ai_slots=numbers)


@given(
    st.integers(1, 30), numbers, st.integers(0, 40), st.integers(0, 5), st.booleans(), overridden, overridden, whole_day
)
def test_a_slots_numbers_follow_from_those_of_its_services(
    most: int, ai: int | None, filled: int, holds: int, covered: bool, one: Override, two: Override, whole: Override
) -> None:
    at = day(most, ai, filled=filled, holds=holds, covered=covered, overrides={"a": one, "b": two, DAY: whole})
    open_ones = [service for service in ("a", "b") if capacity.status(at, service) is OPEN]
    shown = capacity.slot(at, ["a", "b"])
    assert (shown.status == "OPEN") == bool(open_ones)
    if open_ones:
        assert shown.max_slots == max(capacity.limit(at, service, STAFF) for service in open_ones)
        assert shown.ai_slots == max(capacity.limit(at, service, AI) for service in open_ones)
        room = any(capacity.has_room(at, service, AI) for service in open_ones)
        assert (shown.available_slots > 0) == room, "availability shows a place exactly where an AI key can take one"
    for service in ("a", "b"):
        assert capacity.limit(at, service, AI) <= capacity.limit(at, service, STAFF)
