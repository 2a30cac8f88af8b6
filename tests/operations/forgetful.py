"""A server that forgets a part of what proves a kept reply fresh: what the hunt for staleness must find out."""

import sys
from pathlib import Path
from typing import Any

from slotkeeper.cli import main
from slotkeeper.operations.availability import Kept, Proof
from slotkeeper.store import access

_is_fresh = Kept.is_fresh
_find = access.find_caller_and_revisions


def _forget_holds(kept: Kept, proof: Proof, now: int) -> bool:
    return _is_fresh(kept._replace(until=None), proof, now)


def _forget_configuration(kept: Kept, proof: Proof, now: int) -> bool:
    return _is_fresh(kept._replace(proof=(proof[0], *kept.proof[1:])), proof, now)


def _forget_days(kept: Kept, proof: Proof, now: int) -> bool:
    return _is_fresh(kept._replace(proof=(kept.proof[0], *proof[1:])), proof, now)


_known: dict[str, Any] = {}


async def _forget_keys(db: Any, org_id: str, key_hash: str, **more: Any) -> Any:
    """A key that was good once stays good."""
    _known[key_hash] = await _find(db, org_id, key_hash, **more) or _known.get(key_hash)
    return _known[key_hash]


WAYS: dict[str, tuple[object, str, object]] = {
    "holds": (Kept, "is_fresh", _forget_holds),
    "the configuration": (Kept, "is_fresh", _forget_configuration),
    "days": (Kept, "is_fresh", _forget_days),
    "keys": (access, "find_caller_and_revisions", _forget_keys),
}
"""What is forgotten, and where."""


def program(what: str) -> tuple[str, ...]:
    """The command line of such a server."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); "
    return (sys.executable, "-c", f"{code}from {__name__} import run; run({what!r})")


def run(what: str) -> None:
    """Be such a server."""
    setattr(*WAYS[what])
    main()
