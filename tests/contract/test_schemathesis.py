"""schemathesis against the generated OpenAPI document, in process: all its phases, every check on.

One setting only: operations whose rules go across fields or are about what is stored, which JSON Schema
cannot say, may refuse data that their schema allows. They are listed here one by one, with the rule.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.config._checks import NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES as REFUSED
from schemathesis.config._checks import POSITIVE_DATA_ACCEPTANCE_EXPECTED_STATUSES as USUAL
from schemathesis.core.result import Ok
from schemathesis.engine import events, from_schema

from slotkeeper.app import create_app, open_database
from slotkeeper.settings import Settings
from tests.waiting import in_one_loop, wait_for
from tests.world import MONDAY, Client, World

BOOKING = "the instant is to come, in an open window of the service; min_notice_hours, max_advance_days"
ACROSS_FIELDS = {
    "GET /v1/appointment-slots/schedule-tracking": "date_to is not before date_from, and at most 366 days in all",
    "POST /v1/appointment-slots/regenerate": "date_to is not before date_from, and at most 366 days in all",
    "POST /v1/appointment-slots": "end_time after start_time, ai_slots at most max_slots; a branch, with several",
    "PATCH /v1/appointment-slots/{slot_id}": "the result has end_time after start_time and ai_slots at most max_slots",
    "GET /v1/appointments": "date or date_from and date_to, at most 366 days in all",
    "POST /v1/appointments": "type and date unless a hold says them, and then the hold's own; a branch, with several",
    "POST /v1/closures": "date_to is not before date_from",
    "GET /v1/closures/{closure_id}": "the closure of a dry run has no id to ask for",
    "DELETE /v1/closures/{closure_id}": "the closure of a dry run has no id to ask for",
    "POST /v1/holds": "a slot_id, or a type and a date, but not both; a type where the window serves several",
    "GET /v1/appointment-slots/explain": "time or session, not both; a branch and a type, with several",
    "PATCH /v1/appointments/{appointment_id}": "batch may be null only where the appointment has none",
}
"""What is refused with 400."""

BY_BOOKING_RULES = {
    "POST /v1/appointments": BOOKING,
    "POST /v1/holds": BOOKING,
    "PATCH /v1/appointments/{appointment_id}": f"{BOOKING}; allow_cancellation, allow_rescheduling, the notice",
}
"""What is refused with 422."""

ANSWERED = {"POST /v1/tools/{tool}": "what is wrong with arguments is told to the model in an answer"}
"""What answers 200 to a body that its schema does not allow."""

rounds = hypothesis.settings().max_examples // 100  # 1, many in a soak


def also_refuses(label: str) -> list[str]:
    listed = {"400": ACROSS_FIELDS, "422": BY_BOOKING_RULES}
    return [status for status, operations in listed.items() if label in operations]


def configuration(key: str) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": 4711,
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"max-examples": 60 * rounds, "database": "none"},
            "checks": {"enabled": True},
            "operations": [
                {
                    "include-name": name,
                    "checks": {"positive_data_acceptance": {"expected-statuses": [*USUAL, *also_refuses(name)]}},
                }
                for name in sorted(ACROSS_FIELDS.keys() | BY_BOOKING_RULES.keys())
            ]
            + [
                {"include-name": name, "checks": {"negative_data_rejection": {"expected-statuses": [*REFUSED, "200"]}}}
                for name in ANSWERED
            ],
        }
    )


@dataclass
class Run:
    """What a run of all phases has found."""

    schema: schemathesis.BaseSchema
    failures: list[str] = field(default_factory=list)
    tried: Counter[tuple[str, str]] = field(default_factory=Counter)  # phase, operation
    checked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def operations(self) -> list[schemathesis.schemas.APIOperation[Any, Any, Any, Any]]:
        return [result.ok() for result in self.schema.get_all_operations() if isinstance(result, Ok)]

    def take(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.NonFatalError):
            self.failures.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            self.failures.append(repr(event.exception))
        elif isinstance(event, events.EngineFinished):
            self.failures += [str(failure) for failure in event.failures]
        elif isinstance(event, events.ScenarioFinished):
            self.take_scenario(event)

    def take_scenario(self, event: events.ScenarioFinished) -> None:
        self.tried[event.phase.value, event.label or ""] += len(event.recorder.cases)
        for interaction in event.recorder.interactions.values():
            if interaction.response is not None:
                self.statuses[interaction.response.status_code] += 1
        for check in (one for checks in event.recorder.checks.values() for one in checks):
            self.checked[check.name] += 1
            if check.failure_info is not None:
                self.failures.append(f"{event.label}: {check.failure_info.failure}\n{check.failure_info.code_sample}")


@pytest.fixture(scope="module")
def run(new_world: Callable[[], World], prepared: Any) -> Run:
    """All phases against a clinic with something of everything, so that some of what is tried is found."""
    world = new_world()
    owner = Client(world, prepared.cast.owner)
    owner.branch("Main Street")
    service = owner.service("Checkup")
    world.book(prepared.cast.owner_org, owner.window(), MONDAY, service)
    db = open_database(world.url)
    app = in_one_loop(create_app(db, Settings(), clock=world.clock))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=configuration(prepared.cast.owner))
    found = Run(schema)
    for event in from_schema(schema).execute():
        found.take(event)
    wait_for(db.close())
    world.close()
    return found


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_operation_answers_as_the_document_says(run: Run) -> None:
    assert not run.failures, "\n\n".join(run.failures)


@pytest.mark.slow
def test_every_operation_was_tried_in_every_way(run: Run) -> None:
    labels = {operation.label for operation in run.operations()}
    assert len(labels) >= 20
    for phase in ("coverage", "fuzzing"):
        assert {label for name, label in run.tried if name == phase} >= labels, phase
    assert {200, 201, 400, 401, 404, 405} <= set(run.statuses)


@pytest.mark.slow
def test_every_check_was_on_and_only_listed_operations_may_refuse_what_their_schema_allows(run: Run) -> None:
    names = set(CHECKS.get_all_names()) - {"max_response_time"}
    for operation in run.operations():
        checks = run.schema.config.checks_config_for(operation=operation)
        assert [name for name in names if not checks.get_by_name(name=name).enabled] == [], operation.label
        allowed = {str(status) for status in checks.positive_data_acceptance.expected_statuses}
        assert allowed & {"400", "422"} == set(also_refuses(operation.label or "")), operation.label
    assert names - set(run.checked) == set()
