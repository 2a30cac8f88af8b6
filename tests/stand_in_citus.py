"""What Slotkeeper asks of Citus, on one PostgreSQL: a real extension of that name, which notes what it was asked.

It distributes nothing. It shows which statements are sent, in which order, in which transaction; that Citus does what
they say is seen where ``SLOTKEEPER_CITUS_URL`` names a cluster.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.direct import rows
from tests.engines import POSTGRES, empty_database, server_of
from tests.servers import Server

CONTROL = """
comment = 'notes what it was asked'
default_version = '1'
"""
SCRIPT = """
CREATE TABLE pg_dist_partition (logicalrelid regclass);
CREATE TABLE asked (place serial, what text);
CREATE TABLE nodes (success boolean, seconds float);

CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text, colocate_with text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF table_name::text = current_setting('stand_in.refuses', true) THEN
        RAISE EXCEPTION 'connection to the remote node failed' USING ERRCODE = '08006';
    END IF;
    INSERT INTO asked (what) VALUES (concat_ws(' ', 'distribute', table_name, distribution_column, colocate_with));
    INSERT INTO pg_dist_partition VALUES (table_name);
END $$;

CREATE FUNCTION truncate_local_data_after_distributing_table(table_name regclass)
RETURNS void LANGUAGE sql AS $$ INSERT INTO asked (what) VALUES ('truncate ' || table_name) $$;

CREATE FUNCTION run_command_on_workers(command text)
RETURNS TABLE (nodename text, nodeport integer, success boolean, result text)
LANGUAGE sql AS $$ SELECT 'node', 5432, n.success, pg_sleep(n.seconds)::text FROM nodes n $$;
"""


@contextlib.contextmanager
def prepared_to_note(folder: Path) -> Iterator[str]:
    """The URL of a database with the extension and without a schema, which is gone afterwards."""
    running = server_of(POSTGRES)
    assert isinstance(running, Server)
    with empty_database(POSTGRES, folder) as url:
        _install(running, database_of(url))
        yield url


def asked(url: str) -> list[str]:
    """What the extension was asked to do, in order."""
    return [what for (what,) in rows(url, "SELECT what FROM asked ORDER BY place")]


def database_of(url: str) -> str:
    """The name of the database in a URL."""
    return re.sub(r"\?.*", "", url).rpartition("/")[2]


def _install(running: Server, database: str) -> None:
    """Make the extension and put it into a database; the server looks for extensions where it is told (from 18 on)."""
    files = running.folder / "stand_in" / "extension"
    files.mkdir(parents=True, exist_ok=True)
    (files / "citus.control").write_text(CONTROL)
    (files / "citus--1.sql").write_text(SCRIPT)
    running.script(
        f"SET extension_control_path = '{files.parent}:$system'; CREATE EXTENSION citus SCHEMA public", database
    )
