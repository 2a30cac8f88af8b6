"""Contract section 7 on ``patients erase``; the rest of the section is in tests/doors/test_cli*.py."""

import pytest

from slotkeeper.domain import access
from slotkeeper.domain.errors import NotFound
from slotkeeper.operations import upkeep
from tests import direct
from tests.world import MONDAY, Cast, Client, World

NAME, PHONE, NOTES = "Zora Quimby", "+49 151 7654321", "allergic to latex"


def book_for_zora(world: World, owner: Client, org_id: str) -> str:
    owner.branch("Main Street")
    service = owner.service("Checkup")
    booked = world.book(org_id, owner.window(), MONDAY, service)
    old = direct.rows(world.url, "SELECT phone_key, name_key FROM appointments")[0]
    direct.change(
        world.url,
        "UPDATE appointments SET patient_name = ?, parent_phone = ?, notes = ?, phone_key = ?, name_key = ?",
        *(NAME, PHONE, NOTES, "491517654321", NAME.casefold()),
    )
    assert old != ("491517654321", NAME.casefold()), "the statement above is what changed them"
    return booked


def test_erasing_a_person_replaces_name_phone_and_notes_everywhere_keeps_the_counts_and_is_itself_audited(
    world: World, owner: Client, cast: Cast
) -> None:
    booked = book_for_zora(world, owner, cast.owner_org)
    before = (owner.slots(), owner.records())
    operator = access.operator(cast.owner_org)
    planned = world.run(
        upkeep.erase_patient(world.db, operator, phone=PHONE, name=None, now=world.clock(), dry_run=True)
    )
    assert planned == (1, [NAME])
    assert "Zora" in repr(direct.dump(world.url, cast.owner_org)), "a dry run changes nothing"
    erased = world.run(upkeep.erase_patient(world.db, operator, phone=PHONE, name=NAME, now=world.clock()))
    assert erased == (1, [NAME])
    after = direct.dump(world.url, cast.owner_org)
    for trace in ("Zora", "quimby", "7654321", "latex"):
        assert trace not in repr(after), trace
    assert booked in repr(after["appointments"])
    assert (owner.slots(), owner.records()) == before
    assert world.run(upkeep.check(world.db)) == []
    assert [entry[3] for entry in after["audit"]].count("patients.erase") == 1


def test_erasing_reaches_that_organization_and_that_person_only(
    world: World, owner: Client, outsider: Client, cast: Cast
) -> None:
    book_for_zora(world, owner, cast.owner_org)
    kept = direct.dump(world.url, cast.owner_org)
    stranger = access.operator(cast.outsider_org)
    for caller, name in ((stranger, NAME), (access.operator(cast.owner_org), "Grace Hopper")):
        with pytest.raises(NotFound):
            world.run(upkeep.erase_patient(world.db, caller, phone=PHONE, name=name, now=world.clock()))
    assert direct.dump(world.url, cast.owner_org)["appointments"] == kept["appointments"]
    assert outsider.key
