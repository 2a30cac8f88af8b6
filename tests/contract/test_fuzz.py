"""Whatever hypothesis thinks of: the slot_id parser and the query parameters over HTTP never fail on our side."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.world import AVAILABILITY, MONDAY, TRACKING, WINDOWS, Cast, Client, World, good, refused

CODES = {400: "VALIDATION_ERROR", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 409: "CONFLICT"}


class Clinic:
    def __init__(self, world: World, key: str) -> None:
        self.world, self.owner = world, Client(world, key)
        self.branch, self.service = self.owner.branch("Main Street"), self.owner.service("Checkup")
        self.window = self.owner.window()


@pytest.fixture(scope="module")
def clinic(new_world: Callable[[], World], prepared: Any) -> Iterator[Clinic]:
    world = new_world()
    cast: Cast = prepared.cast
    yield Clinic(world, cast.owner)
    world.close()


def sound(answer: httpx.Response) -> httpx.Response:
    """A success or one of our refusals, in the one envelope."""
    if answer.status_code < 300:
        good(answer, answer.status_code)
    else:
        refused(answer, answer.status_code, CODES[answer.status_code])
    return answer


uuids = st.uuids().map(str)
dates = st.dates(date(1995, 1, 1), date(2105, 1, 1)).map(str)
marks = st.sampled_from(
    ["||", "|", "%7C%7C", "%7c", "/", "%2F", "", "-", " ", "%", "%00", "..", ";", "?", "#", "\u202e"]
)
segments = st.lists(
    st.one_of(uuids, dates, marks, st.sampled_from(["WINDOW", "SERVICE", MONDAY]), st.text(max_size=6)), max_size=7
)


def write(parts: list[str], clinic: Clinic) -> str:
    text = "".join(parts).replace("WINDOW", clinic.window).replace("SERVICE", clinic.service)
    return "".join(one if one in "%|" else quote(one, safe="") for one in text)


@given(segments)
@example(["WINDOW", "||", MONDAY, "||", "SERVICE"])
@example(["WINDOW", "%7C%7C", MONDAY])
def test_no_slot_id_breaks_any_endpoint_that_takes_one(clinic: Clinic, parts: list[str]) -> None:
    slot_id = write(parts, clinic)
    sound(clinic.owner.get(f"{WINDOWS}/{slot_id}")) if slot_id.strip("/") not in ("", ".", "..") else None
    for path in (f"tracking/{slot_id}", f"days/{slot_id}", f"{slot_id}"):
        sound(clinic.owner.patch(f"{WINDOWS}/{path}", {"max_slots": 20}))
    for word in ("disable", "enable"):
        sound(clinic.owner.post(f"{WINDOWS}/{slot_id}/{word}"))


@given(st.binary(max_size=40))
def test_no_bytes_in_a_path_break_an_endpoint(clinic: Clinic, raw: bytes) -> None:
    for kind in ("tracking/", "days/", ""):
        sound(clinic.owner.patch(f"{WINDOWS}/{kind}x{quote_from_bytes(raw, safe='')}", {"max_slots": 20}))


values = st.one_of(
    dates,
    uuids,
    st.text(max_size=12),
    st.sampled_from(["", "Morning", "evening", "OPEN", "monday", MONDAY, "0", "-1", "1e9", "null"]),
)
names = st.sampled_from(
    [
        "date",
        "date_from",
        "date_to",
        "branch_id",
        "session",
        "appointment_type_id",
        "day",
        "status",
        "page",
        "limit",
        "x",
        "",
    ]
)


@given(st.lists(st.tuples(names | st.text(max_size=5), values), max_size=6), st.booleans())
def test_no_query_parameters_break_an_endpoint_that_reads(
    clinic: Clinic, pairs: list[tuple[str, str]], complete: bool
) -> None:
    if complete:
        pairs = [("date", MONDAY), ("date_from", MONDAY), *pairs]
    query = httpx.QueryParams([(name, value) for name, value in pairs if _is_encodable(name + value)])
    for path in (AVAILABILITY, TRACKING, WINDOWS, f"{WINDOWS}/{clinic.window}", "/v1/branches"):
        sound(clinic.owner.request("GET", path, params=query))


@given(st.binary(max_size=60))
@example(b"date=2026-06-15&date=2026-06-15")
@example(b"date=%ED%A0%80")
def test_no_bytes_in_a_query_break_an_endpoint(clinic: Clinic, raw: bytes) -> None:
    for path in (AVAILABILITY, TRACKING, WINDOWS):
        url = httpx.URL("http://slotkeeper.test" + path).copy_with(query=quote_from_bytes(raw, safe="=&%+;").encode())
        sound(clinic.owner.request("GET", str(url)))


@given(st.text(max_size=60))
def test_no_request_id_breaks_an_answer(clinic: Clinic, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    answer = clinic.owner.request("GET", AVAILABILITY, params={"date": MONDAY}, headers={"x-request-id": raw})
    good(answer)
    assert answer.headers["x-request-id"].isascii()
    assert answer.headers["x-request-id"].isprintable()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
bodies = st.dictionaries(
    st.sampled_from(
        ["status", "max_slots", "ai_slots", "reason", "date_from", "date_to", "dry_run", "name", "timezone", "active"]
    )
    | st.text(max_size=5),
    json_values,
    max_size=4,
)


@given(bodies.filter(lambda body: _is_encodable(repr(body))))
def test_no_json_object_breaks_an_endpoint_that_writes(clinic: Clinic, body: dict[str, Any]) -> None:
    two, three = f"{clinic.window}||{MONDAY}", f"{clinic.window}||{MONDAY}||{clinic.service}"
    for path in (f"{WINDOWS}/tracking/{three}", f"{WINDOWS}/days/{two}", f"{WINDOWS}/{clinic.window}",
                 f"/v1/services/{clinic.service}", f"/v1/branches/{clinic.branch}",
                 "/v1/appointment-config"):  # fmt: skip
        sound(clinic.owner.patch(path, body))
    for path in (f"{WINDOWS}/regenerate", WINDOWS, "/v1/services", "/v1/branches"):
        sound(clinic.owner.post(path, body))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
