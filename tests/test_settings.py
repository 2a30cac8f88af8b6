"""Settings: flags over environment over defaults, and nonsense refused with what would be right."""

import dataclasses
from pathlib import Path

import pytest

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.settings import Settings, read_settings, shown, sqlite_path

SERVER = {"SLOTKEEPER_DATABASE_URL": "postgresql://primary/x"}


def refusal(environ: dict[str, str], **flags: str | int | None) -> str:
    with pytest.raises(InvalidInput) as refused:
        read_settings(environ, **flags)
    return refused.value.message


def test_without_anything_the_defaults_hold() -> None:
    settings = read_settings({"PATH": "/bin", "SLOTKEEPER_PORT": ""})
    assert settings == Settings(
        database_url="sqlite:///slotkeeper.db", host="127.0.0.1", port=8000, workers=1, log_level="info"
    )


def test_a_flag_wins_over_its_variable() -> None:
    environ = {"SLOTKEEPER_PORT": "9000", "SLOTKEEPER_WORKERS": "2"}
    settings = read_settings(environ, port=9001, workers=None)
    assert (settings.port, settings.workers) == (9001, 2)
    assert read_settings(environ, port=0).port == 0


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read_settings({}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Settings)])
def test_every_setting_has_a_variable_of_its_name(field: str) -> None:
    server = "postgresql://primary/x"
    good = {
        "database_url": server,
        "replica_url": "postgresql://replica/x",
        "pooler": "True",
        "host": "::1",
        "port": "1",
        "public_url": "https://desk.example.org",
        "proxies": "1",
        "workers": "3",
        "call_hold_seconds": "60",
        "log_level": "debug",
    }
    settings = read_settings({f"SLOTKEEPER_{field.upper()}": good[field]}, database_url=server)
    assert str(getattr(settings, field)) == good[field]
    assert getattr(settings, field) != getattr(Settings(), field)


@pytest.mark.parametrize(("text", "value"), [("1", True), ("yes", True), ("0", False), ("False", False), ("", False)])
def test_whether_there_is_a_pooler_is_a_yes_or_a_no(text: str, value: bool) -> None:
    assert read_settings({"SLOTKEEPER_POOLER": text}, database_url="postgresql://primary/x").pooler is value


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SLOTKEEPER_DATABASE", "SLOTKEEPER_DATABASE_URL"),
        ("SLOTKEEPER_DB", "SLOTKEEPER_DATABASE_URL"),
        ("SLOTKEEPER_PROT", "SLOTKEEPER_PORT"),
        ("SLOTKEEPER_LOGLEVEL", "SLOTKEEPER_LOG_LEVEL"),
        ("SLOTKEEPER_WORKER", "SLOTKEEPER_WORKERS"),
        ("SLOTKEEPER_host", "SLOTKEEPER_HOST"),
    ],
)
def test_a_variable_that_nobody_reads_is_refused_with_the_nearest_right_name(name: str, nearest: str) -> None:
    message = refusal({name: "1"})
    assert name in message
    assert f"the nearest is {nearest}." in message


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SLOTKEEPER_PORT": "http"}, "whole number"),
        ({"SLOTKEEPER_PORT": "65536"}, "0–65535"),
        ({"SLOTKEEPER_PORT": "-1"}, "0–65535"),
        ({"SLOTKEEPER_WORKERS": "0"}, "1–64"),
        ({"SLOTKEEPER_WORKERS": "65"}, "1–64"),
        ({"SLOTKEEPER_HOST": " "}, "must not be empty"),
        ({"SLOTKEEPER_LOG_LEVEL": "loud"}, "debug, info, warning, error"),
        ({"SLOTKEEPER_DATABASE_URL": "postgresql://localhost"}, "names no database"),
        ({"SLOTKEEPER_DATABASE_URL": "postgres://localhost:port/x"}, "names no database"),
        ({"SLOTKEEPER_DATABASE_URL": "postgres://one:1,two:port/x"}, "names no database"),
        ({"SLOTKEEPER_DATABASE_URL": "postgres://one,,two/x"}, "names no database"),
        ({"SLOTKEEPER_DATABASE_URL": "oracle://localhost/x"}, "sqlite:////path/to/file.db"),
        ({"SLOTKEEPER_DATABASE_URL": "sqlite:/x.db"}, "sqlite:////path/to/file.db"),
        ({"SLOTKEEPER_DATABASE_URL": "sqlite:///"}, "sqlite:////path/to/file.db"),
        ({"SLOTKEEPER_DATABASE_URL": "sqlite:///:memory:"}, "no plain file"),
        ({"SLOTKEEPER_DATABASE_URL": "sqlite:///x.db?mode=ro"}, "no plain file"),
        ({"SLOTKEEPER_REPLICA_URL": "postgresql://replica/x"}, "Only a PostgreSQL has replicas"),
        ({**SERVER, "SLOTKEEPER_REPLICA_URL": "sqlite:///x.db"}, "A replica is a PostgreSQL"),
        ({**SERVER, "SLOTKEEPER_REPLICA_URL": "postgresql://replica"}, "names no database"),
        ({**SERVER, "SLOTKEEPER_REPLICA_URL": "postgresql://primary/x"}, "is the database itself"),
        ({"SLOTKEEPER_PROXIES": "11"}, "0–10"),
        ({"SLOTKEEPER_CALL_HOLD_SECONDS": "29"}, "30–900"),
        ({"SLOTKEEPER_CALL_HOLD_SECONDS": "901"}, "30–900"),
        ({"SLOTKEEPER_PUBLIC_URL": "desk.example.org"}, "https://desk.example.org"),
        ({"SLOTKEEPER_PUBLIC_URL": "https://desk.example.org/app"}, "without a path"),
        ({"SLOTKEEPER_PUBLIC_URL": "https://me@desk.example.org"}, "https://desk.example.org"),
        ({"SLOTKEEPER_POOLER": "1"}, "before a PostgreSQL only"),
        ({**SERVER, "SLOTKEEPER_POOLER": "perhaps"}, "must be 1 or 0"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(environ: dict[str, str], words: str) -> None:
    assert words in refusal(environ)


def test_three_slashes_are_the_working_folder_and_four_the_root() -> None:
    assert sqlite_path("sqlite:///clinic.db") == Path("clinic.db")
    assert sqlite_path("sqlite:///data/clinic.db") == Path("data/clinic.db")
    assert sqlite_path("sqlite:////srv/clinic.db") == Path("/srv/clinic.db")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://clinic:secret@localhost/x",
        "postgresql:clinic:secret@localhost/x",
        "postgresql://clinic:secret@localhost:543 2/x",
        "postgresql://clinic:secret@localhost",
        "postgresql://clinic:secret@[localhost/x",
    ],
)
def test_a_password_in_a_url_that_is_wrong_is_not_repeated(url: str) -> None:
    assert "secret" not in refusal({"SLOTKEEPER_DATABASE_URL": url})


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("postgresql://clinic:secret@db.example:5433/x", "postgresql://clinic@db.example:5433/x"),
        ("postgres://clinic:se%40cret@/x?host=/run&password=secret&port=1", "postgres://clinic@/x?host=/run&port=1"),
        ("postgresql://localhost/x", "postgresql://localhost/x"),
        ("postgresql://clinic:secret@one:1,two:2,three/x", "postgresql://clinic@one:1,two:2,three/x"),
        ("sqlite:///clinic.db", "sqlite:///clinic.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, without: str) -> None:
    assert read_settings({"SLOTKEEPER_DATABASE_URL": url}).database_url == url
    assert shown(url) == without


def test_what_the_environment_says_of_a_server_does_not_hold_for_a_file_that_is_named_by_hand() -> None:
    environ = {"SLOTKEEPER_REPLICA_URL": "postgresql:///standby", "SLOTKEEPER_POOLER": "1"}
    settings = read_settings(environ, database_url="sqlite:///new.db")
    assert (settings.replica_url, settings.pooler) == ("", False)
    with pytest.raises(InvalidInput):
        read_settings(environ | {"SLOTKEEPER_DATABASE_URL": "sqlite:///new.db"})
    with pytest.raises(InvalidInput):
        read_settings(environ, database_url="sqlite:///new.db", pooler=True)


def test_a_password_that_breaks_the_url_is_not_shown() -> None:
    with pytest.raises(InvalidInput, match="%40") as refused:
        read_settings({}, database_url="postgresql://me:se@rve/x@127.0.0.1:5544/clinics")
    assert "rve" not in refused.value.message
