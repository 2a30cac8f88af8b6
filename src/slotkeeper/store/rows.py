"""How absent values stand in keys: columns in a unique key are never NULL, because engines differ on NULLs there."""

ZERO_UUID = "00000000-0000-0000-0000-000000000000"
LOWEST_UUID = ZERO_UUID
HIGHEST_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def key_of(value: str | None) -> str:
    """The id as a key column holds it: the zero UUID for None."""
    return ZERO_UUID if value is None else value


def id_of(column: str) -> str | None:
    """The id that a key column holds: None for the zero UUID."""
    return None if column == ZERO_UUID else column
