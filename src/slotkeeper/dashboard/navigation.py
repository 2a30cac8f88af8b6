"""What the navigation offers, in its order."""

from typing import NamedTuple

from slotkeeper.domain.access import Scope
from slotkeeper.texts import N_


class Item(NamedTuple):
    """One link: its words, its path below PREFIX, and the scope that makes it of use."""

    words: str
    path: str
    scope: Scope


NAVIGATION = (
    Item(N_("Week"), "/board", Scope.SLOTS_READ),
    Item(N_("Today"), "/day", Scope.APPOINTMENTS_READ),
    Item(N_("Find"), "/find", Scope.APPOINTMENTS_READ),
    Item(N_("Schedule"), "/windows", Scope.SLOTS_WRITE),
    Item(N_("Reports"), "/reports", Scope.SLOTS_READ),
    Item(N_("Keys"), "/keys", Scope.ADMIN),
    Item(N_("People"), "/people", Scope.ADMIN),
    Item(N_("Configuration"), "/configuration", Scope.ADMIN),
    Item(N_("Audit"), "/audit", Scope.ADMIN),
)
"""Only what the person's role may do is shown."""
