"""The sliding window of a rate limit, held against a plain recount."""

from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.domain.rate_limits import WINDOW, SlidingWindow


def test_a_request_is_admitted_until_the_limit_is_reached() -> None:
    window = SlidingWindow()
    assert [window.admit(limit=3, now=now) for now in (0, 1, 2)] == [0, 0, 0]
    assert window.admit(limit=3, now=3) == WINDOW - 3


def test_a_place_is_free_again_exactly_a_minute_after_the_request_that_took_it() -> None:
    window = SlidingWindow()
    for now in (0, 500):
        window.admit(limit=2, now=now)
    assert window.admit(limit=2, now=WINDOW - 1) == 1
    assert window.admit(limit=2, now=WINDOW) == 0
    assert window.admit(limit=2, now=WINDOW) == 500


def test_a_refused_request_takes_no_place() -> None:
    window = SlidingWindow()
    window.admit(limit=1, now=0)
    for now in range(1, WINDOW, 1_000):
        assert window.admit(limit=1, now=now) == WINDOW - now
    assert window.admit(limit=1, now=WINDOW) == 0


def test_a_limit_that_was_lowered_waits_for_enough_requests_to_be_forgotten() -> None:
    window = SlidingWindow()
    for now in range(5):
        window.admit(limit=5, now=now)
    assert window.admit(limit=2, now=10) == WINDOW + 3 - 10


def test_nobody_waits_longer_than_a_minute_when_the_clock_is_set_back() -> None:
    window = SlidingWindow()
    window.admit(limit=1, now=10 * WINDOW)
    assert window.admit(limit=1, now=0) == WINDOW
    assert window.admit(limit=1, now=WINDOW) == 0


def test_a_window_is_idle_a_minute_after_its_last_request() -> None:
    window = SlidingWindow()
    assert window.is_idle(0)
    window.admit(limit=1, now=0)
    assert not window.is_idle(WINDOW - 1)
    assert window.is_idle(WINDOW)


@given(st.integers(1, 5), st.lists(st.integers(0, WINDOW), max_size=40))
def test_never_more_than_the_limit_in_any_minute_and_never_fewer_than_could_be(limit: int, gaps: list[int]) -> None:
    window, admitted, now = SlidingWindow(), list[int](), 0
    for gap in gaps:
        now += gap
        live = [moment for moment in admitted if moment > now - WINDOW]
        wait = window.admit(limit=limit, now=now)
        assert (wait == 0) == (len(live) < limit)
        if wait:
            assert wait == live[-limit] + WINDOW - now
        else:
            admitted.append(now)
