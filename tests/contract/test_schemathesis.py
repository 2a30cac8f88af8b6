"""schemathesis against the generated OpenAPI document, in process, with every check on.

One setting only: operations whose rules go across fields, which JSON Schema cannot say, may answer
data that their schema allows with 400. They are listed here one by one, with the rule.
"""

from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.config._checks import POSITIVE_DATA_ACCEPTANCE_EXPECTED_STATUSES as USUAL

from tests.world import MONDAY, Client, World

ACROSS_FIELDS = {
    "GET /v1/appointment-slots/schedule-tracking": "date_to is not before date_from, and at most 366 days in all",
    "POST /v1/appointment-slots/regenerate": "date_to is not before date_from, and at most 366 days in all",
    "POST /v1/appointment-slots": "end_time after start_time, ai_slots at most max_slots, a branch where there are several",
    "PATCH /v1/appointment-slots/{slot_id}": "the result has end_time after start_time and ai_slots at most max_slots",
}


def configuration(key: str) -> SchemathesisConfig:
    checks = {"positive_data_acceptance": {"expected-statuses": [*USUAL, "400"]}}
    return SchemathesisConfig.from_dict(
        {
            "headers": {"Authorization": f"Bearer {key}"},
            "operations": [{"include-name": name, "checks": checks} for name in ACROSS_FIELDS],
        }
    )


@pytest.fixture(scope="module")
def served(new_world: Callable[[], World], prepared: Any) -> Iterator[World]:
    """A clinic with something of everything, so that some of what is tried is found."""
    world = new_world()
    owner = Client(world, prepared.cast.owner)
    owner.branch("Main Street")
    service = owner.service("Checkup")
    world.book(prepared.cast.owner_org, owner.window(), MONDAY, service)
    yield world
    world.close()


@pytest.fixture(scope="module")
def document(served: World, prepared: Any) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", served.app, config=configuration(prepared.cast.owner))


schema = schemathesis.pytest.from_fixture("document")
rounds = hypothesis.settings().max_examples // 100  # 1, many in a soak


@pytest.mark.slow
@pytest.mark.timeout(1800)
@schema.parametrize()
@hypothesis.settings(max_examples=20 * rounds, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_every_operation_answers_as_the_document_says(case: Case) -> None:
    case.call_and_validate()


def test_every_check_is_on_and_only_listed_operations_may_refuse_what_their_schema_allows(
    document: schemathesis.BaseSchema,
) -> None:
    names = set(CHECKS.get_all_names())
    assert names >= {"not_a_server_error", "positive_data_acceptance", "negative_data_rejection", "ignored_auth"}
    for result in document.get_all_operations():
        operation = result.ok()
        checks = document.config.checks_config_for(operation=operation)
        for name in names - {"max_response_time"}:
            assert checks.get_by_name(name=name).enabled, f"{operation.label}: {name}"
        lenient = "400" in checks.positive_data_acceptance.expected_statuses
        assert lenient == (operation.label in ACROSS_FIELDS), operation.label
