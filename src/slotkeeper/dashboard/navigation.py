"""What the navigation offers, in its order."""

from typing import NamedTuple

from slotkeeper.domain.access import Scope
from slotkeeper.texts import N_


class Item(NamedTuple):
    """One link: its words, its path below PREFIX, the scope that makes it of use, and whether it shows one branch."""

    words: str
    path: str
    scope: Scope
    is_of_branch: bool = False


NAVIGATION = (
    Item(N_("Week"), "/board", Scope.SLOTS_READ, is_of_branch=True),
    Item(N_("Today"), "/day", Scope.APPOINTMENTS_READ, is_of_branch=True),
    Item(N_("Find"), "/find", Scope.APPOINTMENTS_READ),
    Item(N_("Schedule"), "/windows", Scope.SLOTS_WRITE, is_of_branch=True),
    Item(N_("Reports"), "/reports", Scope.SLOTS_READ),
    Item(N_("Keys"), "/keys", Scope.ADMIN),
    Item(N_("People"), "/people", Scope.ADMIN),
    Item(N_("Configuration"), "/configuration", Scope.ADMIN),
    Item(N_("Audit"), "/audit", Scope.ADMIN),
)
"""Only what the person's role may do is shown."""
