"""Whatever arrives, the answer is the one envelope of contract section 3, and never a 500."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from slotkeeper.app import create_app, open_database
from slotkeeper.settings import Settings, is_server, sqlite_path
from slotkeeper.store import postgres_session, sqlite
from slotkeeper.store.database import SQL, Row, Value, Work
from slotkeeper.store.sqlite import SqliteDatabase
from tests import direct
from tests.world import AVAILABILITY, MONDAY, REGENERATE, TRACKING, WINDOWS, Cast, Client, World, good, refused

GONE = "00000000-0000-4000-8000-000000000000"
JSON = {"content-type": "application/json"}
WRITES = [
    ("POST", REGENERATE), ("POST", WINDOWS), ("PATCH", f"{WINDOWS}/{GONE}"),
    ("PATCH", f"{WINDOWS}/tracking/{GONE}||{MONDAY}||{GONE}"), ("PATCH", f"{WINDOWS}/days/{GONE}||{MONDAY}"),
    ("POST", "/v1/services"), ("PATCH", f"/v1/services/{GONE}"), ("POST", "/v1/branches"),
    ("PATCH", f"/v1/branches/{GONE}"), ("PATCH", "/v1/appointment-config"),
]  # fmt: skip


def send(client: Client, method: str, path: str, content: bytes, **headers: str) -> httpx.Response:
    return client.request(method, path, content=content, headers=JSON | headers)


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/", "/v1/nothing", "/v2/appointment-slots", "//v1/branches", "/v1//branches",
     "/v1/branches/../branches/x/y",
     "/%00", "/v1/branches%2F", "/v1/appointment-slots/tracking", "/v1/appointment-slots/days", "/%FF%FE",
     "/v1/branches;a=b",
     "/V1/branches", "/.env", "/v1/appointment-slots/a/b/c/d", "/" + "x" * 8000],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404_with_or_without_a_key(owner: Client, nobody: Client, method: str, path: str) -> None:
    if path in ("/v1/appointment-slots/tracking", "/v1/appointment-slots/days"):
        # One word after the collection has the place of a slot_id there, and is none.
        assert owner.request(method, path).status_code in (400, 404, 405)
        return
    refused(owner.request(method, path), 404, "NOT_FOUND")
    refused(nobody.request(method, path), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND", "POST"])
@pytest.mark.parametrize("path", [AVAILABILITY, TRACKING, "/v1/appointment-config"])
def test_a_wrong_method_is_405_with_allow(owner: Client, method: str, path: str) -> None:
    answer = owner.request(method, path)
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"].replace(" ", "").split(",")


def test_405_names_exactly_the_methods_that_a_path_answers(owner: Client) -> None:
    for path, allowed in [
        (WINDOWS, {"GET", "POST"}), (REGENERATE, {"POST"}), (f"{WINDOWS}/{GONE}", {"GET", "PATCH"}),
        (f"{WINDOWS}/{GONE}/disable", {"POST"}), ("/v1/branches", {"GET", "POST"}), (f"/v1/branches/{GONE}", {"PATCH"}),
    ]:  # fmt: skip
        answer = owner.request("DELETE", path)
        refused(answer, 405, "METHOD_NOT_ALLOWED")
        assert set(answer.headers["allow"].replace(" ", "").split(",")) - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"}", b"[]", b"null", b"1", b'"x"', b"true", b"{}{}", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1,}',
     b"\xff\xfe",
     b'{"name": "\xff"}', b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}', b'{"name": "\x00"}', b"\x00",
     b"\xef\xbb\xbf",
     b"[" * 30_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'{"max_slots": 1e999}',
     b'{"max_slots": 99999999999999999999}',
     b'{"max_slots": -9223372036854775809}', b'{"max_slots": 18446744073709551616}',
     b'{"max_slots": 0.1e-400}',
     b'{"date_from": 20260615}', b'{"name": {}}', b'{"max_slots": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_a_body_that_is_no_sound_json_object_is_400(owner: Client, method: str, path: str, content: bytes) -> None:
    refused(send(owner, method, path, content), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "value", [None, True, 1, -1, 1.5, 2**63, 2**64, 10**400, "", "x", "\x00", "💥", [], {}, [None], {"a": 1}]
)
@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("POST", REGENERATE, ["date_from", "date_to", "dry_run"]),
        ("POST", WINDOWS, ["day", "session", "start_time", "end_time", "max_slots", "ai_slots", "batch_name",
                           "appointment_type_id", "branch_id"]),
        ("PATCH", f"{WINDOWS}/{{window}}", ["day", "session", "start_time", "end_time", "max_slots", "ai_slots",
                                            "batch_name", "appointment_type_id", "status", "filled_slots"]),
        ("PATCH", f"{WINDOWS}/tracking/{{window}}||{MONDAY}||{{service}}", ["status", "max_slots", "date",
        "filled_slots"]),
        ("PATCH", f"{WINDOWS}/days/{{window}}||{MONDAY}", ["status", "max_slots", "ai_slots", "reason",
        "available_slots"]),
        ("PATCH", "/v1/services/{service}", ["name", "active", "service_id"]),
        ("PATCH", "/v1/branches/{branch}", ["name", "timezone", "created_at"]),
        ("PATCH", "/v1/appointment-config", ["timezone", "horizon_days", "token_numbers", "max_advance_days"]),
    ],
)  # fmt: skip
def test_a_field_of_any_type_is_taken_or_refused_but_never_a_500(
    owner: Client, method: str, path: str, names: list[str], value: Any
) -> None:
    ids = {"branch": owner.branch("Main"), "service": owner.service("Checkup"), "window": owner.window()}
    sound = {"date_from": MONDAY} if path == REGENERATE else {}
    if path == WINDOWS:
        sound = {"day": "friday", "session": "Evening", "start_time": "09:00", "end_time": "11:00", "max_slots": 20}  # type: ignore[dict-item]
    for name in names:
        answer = send(owner, method, path.format(**ids), json.dumps(sound | {name: value}).encode())
        if answer.status_code >= 300:
            code = {400: "VALIDATION_ERROR", 404: "NOT_FOUND", 409: "CONFLICT"}[answer.status_code]
            refused(answer, answer.status_code, code)
        else:
            good(answer, answer.status_code)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_over_64_kib_is_413(owner: Client, method: str, path: str) -> None:
    content = b'{"name": "' + b"x" * (64 * 1024) + b'"}'
    refused(send(owner, method, path, content), 413, "PAYLOAD_TOO_LARGE")


def test_a_body_over_64_kib_is_413_too_where_no_length_is_announced_or_a_wrong_one(owner: Client) -> None:
    async def pieces() -> Any:
        for _ in range(70):
            yield b" " * 1024

    refused(owner.request("POST", REGENERATE, content=pieces(), headers=JSON), 413, "PAYLOAD_TOO_LARGE")
    for announced in ("5", "-1", "x", "9" * 30):
        answer = send(owner, "POST", REGENERATE, b" " * 70_000, **{"content-length": announced})
        assert answer.status_code in (400, 413)
        assert answer.json()["success"] is False


def test_a_body_of_exactly_64_kib_is_read(owner: Client) -> None:
    body = json.dumps({"date_from": MONDAY}).encode()
    good(send(owner, "POST", REGENERATE, body + b" " * (64 * 1024 - len(body))))


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/xml", "multipart/form-data; boundary=x",
                                        "application/jsonp",
                                        "application/x-www-form-urlencoded", "json", "\x7f"])  # fmt: skip
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_that_is_not_application_json_is_415(owner: Client, method: str, path: str, media_type: str) -> None:
    answer = owner.request(method, path, content=b"{}", headers={"content-type": media_type})
    refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
def test_application_json_is_read_with_or_without_a_charset(owner: Client, media_type: str) -> None:
    body = json.dumps({"date_from": MONDAY}).encode()
    good(owner.request("POST", REGENERATE, content=body, headers={"content-type": media_type}))


def test_disable_and_enable_need_no_body(owner: Client) -> None:
    owner.branch("Main")
    window = owner.window()
    good(owner.request("POST", f"{WINDOWS}/{window}/disable"))
    good(owner.request("POST", f"{WINDOWS}/{window}/enable"))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": b"Bearer \xff\xfe"}, {"authorization": b"Bearer " + b"x" * 60_000}, {"authorization": b""},
        {"authorization": b"Bearer sk_live_\x00"}, {"authorization": b"Negotiate abc"},
        {"authorization": b"Bearer a b c"},
        {"authorization": b"Bearer sk_live_" + b"0" * 32 + b"_" + b"\xc3\xa9" * 40},
    ],
)  # fmt: skip
def test_a_hostile_authorization_header_is_401(nobody: Client, headers: dict[str, bytes]) -> None:
    refused(nobody.request("GET", AVAILABILITY, params={"date": MONDAY}, headers=headers), 401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-request-id": b"\xff" * 100}, {"accept": b"\x00\xff"}, {"accept": b"text/xml"},
        {"host": b"evil\x00.example"},
        {"x-forwarded-for": b"' OR 1=1 --"}, {"content-length": b"abc"}, {"transfer-encoding": b"nonsense"},
        {"cookie": b"\xff"},
        {"content-type": b"\xff"}, {"accept-encoding": b"\xff;q=nan"}, {"range": b"bytes=-1"}, {"x": b"y" * 60_000},
    ],
)  # fmt: skip
def test_other_hostile_headers_change_nothing(owner: Client, headers: dict[str, bytes]) -> None:
    answer = owner.request("GET", AVAILABILITY, params={"date": MONDAY}, headers=headers)
    good(answer)
    assert b"\r" not in answer.headers["x-request-id"].encode()


@pytest.mark.parametrize("query", ["date=%00", "date=%FF", "date=%ED%A0%80", "date=%", "%00=1",
                                   "date[]=2026-06-15", "&&&", "=",
                                   "date=2026-06-15%00", "date=" + "9" * 5000, "?date=2026-06-15",
                                   "date=%F0%9F%92%A5"])  # fmt: skip
@pytest.mark.parametrize("path", [AVAILABILITY, TRACKING])
def test_a_broken_query_is_400(owner: Client, path: str, query: str) -> None:
    refused(
        owner.get(f"{path}?{query.replace('date', 'date_from' if path == TRACKING else 'date')}"),
        400,
        "VALIDATION_ERROR",
    )


@pytest.mark.parametrize(
    "text",
    [
        "%00",
        "%FF",
        "%ED%A0%80",
        "%",
        "%zz",
        "||",
        "%7C%7C%7C",
        "a" * 5000,
        "%F0%9F%92%A5",
        "..%2F..",
        "%0d%0aX-Evil:%201",
    ],
)
def test_a_broken_slot_id_is_400_or_404(owner: Client, text: str) -> None:
    for method, path in [("GET", f"{WINDOWS}/{text}"), ("PATCH", f"{WINDOWS}/{text}"), ("POST",
                                                                                        f"{WINDOWS}/{text}/disable"),
                         ("PATCH", f"{WINDOWS}/tracking/{text}"), ("PATCH", f"{WINDOWS}/days/{text}")]:  # fmt: skip
        body = {"content": b'{"max_slots": 5}', "headers": JSON} if method == "PATCH" else {}
        answer = owner.request(method, path, **body)
        refused(answer, answer.status_code, {400: "VALIDATION_ERROR", 404: "NOT_FOUND"}[answer.status_code])
        assert "x-evil" not in answer.headers


# Our own faults.


class Broken(SqliteDatabase):
    """A database whose every reading fails in a way that nobody foresaw."""

    async def read(self, work: Work[Any]) -> Any:
        raise RuntimeError(f"the secret detail {work!r}")

    async def look(self, sql: SQL, **values: Value) -> Row | None:
        raise RuntimeError(f"the secret detail {sql} {values}")


def test_our_own_fault_is_500_with_the_request_id_in_the_log_and_no_internals(
    world: World, owner: Client, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    app = create_app(Broken(tmp_path / "broken.db"), Settings(), clock=world.clock)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    with caplog.at_level(logging.ERROR):
        world.http = httpx.AsyncClient(transport=transport, base_url="http://slotkeeper.test")
        answer = owner.get(AVAILABILITY, date=MONDAY)
    error = refused(answer, 500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] in error["message"]
    assert answer.headers["x-request-id"] in caplog.text
    assert "the secret detail" in caplog.text


def broken_database(url: str, folder: Path) -> str:
    """A file that is damaged, or a server that is not there."""
    if is_server(url):
        return f"postgresql://nobody@/nothing?host={folder}"
    broken = folder / "broken.db"
    shutil.copyfile(sqlite_path(url), broken)
    broken.write_bytes(broken.read_bytes()[:100] + b"\xaa" * 50_000)
    return f"sqlite:///{broken}"


def test_a_database_that_cannot_answer_is_503_with_retry_after_and_never_an_empty_list(
    world: World, owner: Client, tmp_path: Path
) -> None:
    database = open_database(broken_database(world.url, tmp_path))
    transport = httpx.ASGITransport(app=create_app(database, Settings(), clock=world.clock), raise_app_exceptions=False)
    world.http = httpx.AsyncClient(transport=transport, base_url="http://slotkeeper.test")
    answer = owner.get(AVAILABILITY, date=MONDAY)
    refused(answer, 503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    world.run(database.close())


def test_a_write_that_another_process_holds_up_too_long_is_503(
    world: World, owner: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WRITE_PATIENCE", 0.05)
    monkeypatch.setattr(postgres_session, "PATIENCE", 0.5)
    with direct.locked(world.url, "services"):
        answer = owner.post("/v1/services", {"name": "Late"})
    refused(answer, 503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    good(owner.post("/v1/services", {"name": "Late"}), 201)
    assert len(direct.dump(world.url, cast.owner_org)["services"]) == 1
