"""A clinic with a person in it who signs in, through the operations themselves."""

from typing import Any

import pytest

from slotkeeper.domain.access import operator
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.users import Role, User
from slotkeeper.operations import sign_ins, users
from slotkeeper.operations.sign_ins import SignedIn
from tests import direct
from tests.world import World

PASSWORD = "correct horse battery"
OTHER = "staple under the lamp"
HERE, THERE = "192.0.2.1", "198.51.100.1"


class Entrance:
    """A clinic with a person in it."""

    def __init__(self, world: World, org_id: str) -> None:
        self.world, self.org_id = world, org_id
        invited = self.invite("asha@example.org")
        self.user: User = invited.user
        self.link: str = invited.secret

    def invite(self, email: str, org_id: str | None = None, role: Role = Role.DESK) -> users.Invited:
        boss = operator(org_id or self.org_id)
        made = users.create_user(self.world.db, boss, email=email, name="Asha", role=role, now=self.world.clock())
        return self.world.run(made)

    def choose(self, link: str, password: str = PASSWORD) -> str:
        return self.world.run(
            sign_ins.use_link(self.world.db, link, password=password, now=self.world.clock(), request_id="r-1")
        )

    def sign_in(self, password: str = PASSWORD, *, email: str = "asha@example.org", address: str = HERE) -> str:
        return self.world.run(self.signing_in(password, email=email, address=address))

    async def signing_in(self, password: str, *, email: str = "asha@example.org", address: str = HERE) -> str:
        return await sign_ins.sign_in(
            self.world.db, self.org_id, email=email, password=password, address=address, now=self.world.clock()
        )

    def who(self, token: str, **more: Any) -> SignedIn | None:
        return self.world.run(sign_ins.find_signed_in(self.world.db, token, now=self.world.clock(), **more))

    def rows(self, table: str) -> int:
        return int(direct.rows(self.world.url, f"SELECT count(*) FROM {table}")[0][0])


def refuse(entrance: Entrance, times: int, **more: str) -> None:
    for _ in range(times):
        with pytest.raises(InvalidInput):
            entrance.sign_in("a wrong password", **more)
