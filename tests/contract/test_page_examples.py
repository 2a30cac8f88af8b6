"""The page that the project was created from: its own requests, answered key by key as it shows.

The curl lines and JSON examples are parsed out of a copy of the page. The clinic behind them is the
page's: its window, its service, three bookings on 15 June, the clock at 1 June 2026.
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import direct
from tests.world import MONDAY, Cast, Client, World, good, plus_days, refused

PAGE = Path(__file__).with_name("availability-and-schedule-tracking.txt").read_text(encoding="utf-8")
HOST = "https://api.huskyvoice.ai"
WINDOW = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
SERVICE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
EVERY_DAY = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Example(NamedTuple):
    """One request of the page with the answer that it shows, if it shows one."""

    method: str
    path: str
    body: Any
    answer: Any


def read_request(command: str) -> tuple[str, str, Any]:
    words = shlex.split(command)
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    (address,) = [word for word in words if word.startswith(HOST)]
    body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
    assert "Authorization: Bearer YOUR_API_KEY" in words
    return method, address.removeprefix(HOST), body


def read_examples() -> list[Example]:
    examples = []
    for part in re.split(r"^(?=curl )", PAGE, flags=re.MULTILINE)[1:]:
        command = part.replace("\\\n", " ").partition("\n")[0]
        _, is_shown, rest = part.partition("\nResponse — 200 OK\n")
        answer = json.JSONDecoder().raw_decode(rest.lstrip())[0] if is_shown else None
        examples.append(Example(*read_request(command), answer))
    return examples


EXAMPLES = read_examples()


def compare(shown: Any, sent: Any, at: str) -> None:
    """Key by key, type by type, order included; values too, but for the page's placeholders."""
    assert type(shown) is type(sent), f"{at}: the page shows {shown!r}, the answer has {sent!r}"
    if isinstance(shown, dict):
        assert list(shown) == list(sent), at
        for name in shown:
            compare(shown[name], sent[name], f"{at}.{name}")
    elif isinstance(shown, list):
        assert len(shown) == len(sent), at
        for place, (one, other) in enumerate(zip(shown, sent, strict=True)):
            compare(one, other, f"{at}[{place}]")
    elif shown != "branch_uuid_here":
        assert shown == sent, f"{at}: the page shows {shown!r}, the answer has {sent!r}"


def rename(url: str, old: str, new: str) -> None:
    """Give a record the id that the page shows; everything else is made over HTTP."""
    with_ids = {
        "windows": ["calendar_id", "service_id"],
        "days": ["calendar_id", "service_id"],
        "services": ["service_id"],
    }
    for table, columns in with_ids.items():
        for column in columns:
            direct.change(url, f"UPDATE {table} SET {column} = ? WHERE {column} = ?", new, old)


@pytest.fixture
def page(world: World, owner: Client, cast: Cast) -> Client:
    """The page's clinic."""
    world.clock.set("2026-05-01T10:00:00Z")
    owner.branch("Main Street")
    service = owner.service("General Checkup")
    window = owner.window(ai_slots=10, batch_name="MA")
    rename(world.url, window, WINDOW)
    rename(world.url, service, SERVICE)
    world.clock.set("2026-06-01T08:00:00Z")
    world.roll_forward()
    for _ in range(3):
        world.book(cast.owner_org, WINDOW, MONDAY, SERVICE)
    return owner


def send(client: Client, example: Example) -> Any:
    more = {} if example.body is None else {"json": example.body}
    return good(client.request(example.method, example.path, **more))


def test_the_page_has_four_requests_and_shows_three_answers() -> None:
    assert [(one.method, one.path.partition("?")[0].partition("a1b2")[0]) for one in EXAMPLES] == [
        ("GET", "/v1/appointment-slots/availability"),
        ("GET", "/v1/appointment-slots/schedule-tracking"),
        ("PATCH", "/v1/appointment-slots/tracking/"),
        ("POST", "/v1/appointment-slots/regenerate"),
    ]
    assert [one.answer is not None for one in EXAMPLES] == [True, True, False, True]


def test_availability_answers_as_the_page_shows(page: Client) -> None:
    compare(EXAMPLES[0].answer, send(page, EXAMPLES[0]), "answer")


def test_schedule_tracking_answers_as_the_page_shows(page: Client) -> None:
    compare(EXAMPLES[1].answer, send(page, EXAMPLES[1]), "answer")


def test_the_pages_patch_closes_the_record_for_that_date_only(page: Client) -> None:
    (before,) = page.records()
    assert send(page, EXAMPLES[2]) == {"success": True, "data": before | {"status": "CLOSED"}}
    assert page.slots() == []
    assert len(page.slots(plus_days(MONDAY, 7))) == 1
    assert send(page, EXAMPLES[2])["data"]["status"] == "CLOSED", "and once more"


def test_the_pages_regenerate_answers_as_it_shows_for_seven_windows_both_times(page: Client) -> None:
    for day in EVERY_DAY[1:]:
        page.window(day=day, batch_name="MA", ai_slots=10)
    for _ in range(2):
        compare(EXAMPLES[3].answer, send(page, EXAMPLES[3]), "answer")


def test_slot_ids_can_be_passed_on_as_the_page_says(page: Client) -> None:
    (slot,), (record,) = page.slots(), page.records()
    good(page.patch(f"/v1/appointment-slots/{slot['slot_id']}", {"end_time": "12:00"}))
    good(page.patch(f"/v1/appointment-slots/tracking/{record['slot_id']}", {"max_slots": 5}))
    good(page.post(f"/v1/appointment-slots/{slot['slot_id']}/disable"))


def test_the_pages_error_codes(page: Client, world: World, cast: Cast) -> None:
    table = dict(re.findall(r"^(\d{3})([A-Z_]+?)(?=[A-Z][a-z]|API)", PAGE, re.MULTILINE))
    assert table == {"400": "VALIDATION_ERROR", "404": "NOT_FOUND", "403": "INSUFFICIENT_SCOPE"}
    refused(page.get("/v1/appointment-slots/availability"), 400, table["400"])
    refused(page.get("/v1/appointment-slots/schedule-tracking"), 400, table["400"])
    gone = f"/v1/appointment-slots/tracking/{WINDOW}||{plus_days(MONDAY, 1)}||{SERVICE}"
    refused(page.patch(gone, {"status": "CLOSED"}), 404, table["404"])
    refused(world.key(cast.owner_org, []).get(EXAMPLES[0].path), 403, table["403"])
