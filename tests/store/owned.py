"""An organization of the tests' own, and a service of it, written past the operations."""

from slotkeeper.domain.model import Configuration, Organization, Service
from slotkeeper.store import directory
from slotkeeper.store.database import Connection, Work

ORG = "11111111-1111-4111-8111-111111111111"
SERVICE = "22222222-2222-4222-8222-222222222222"


async def add_organization(tx: Connection) -> None:
    """Store the organization."""
    await directory.insert_organization(tx, Organization(ORG, "Owner", 1, Configuration()))


def add(name: str, service_id: str = SERVICE) -> Work[None]:
    """The work that stores a service of it."""
    return lambda tx: directory.insert_service(tx, ORG, Service(service_id, name, True, 1, 1))
