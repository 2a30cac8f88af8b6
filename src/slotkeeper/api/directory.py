"""Branches, services and the configuration (contract.md section 6)."""

from typing import Annotated, cast

from msgspec import UNSET, Struct, UnsetType

from slotkeeper.api import fields
from slotkeeper.api.reading import expecting, read_body, read_changes, read_id
from slotkeeper.api.request import Request
from slotkeeper.api.schemas import (
    BranchView,
    ConfigurationView,
    Data,
    ServiceView,
    branch_view,
    configuration_view,
    service_view,
)
from slotkeeper.domain.model import Branch, Service
from slotkeeper.operations import directory


class NewBranchBody(Struct, frozen=True, kw_only=True):
    """A new branch."""

    name: Annotated[fields.Name, "No other branch may have it, compared case-insensitively."]
    timezone: Annotated[fields.Timezone | None, "Default: the organization's."] = None


class BranchBody(Struct, frozen=True, kw_only=True):
    """What to change about a branch; at least one field."""

    name: Annotated[fields.Name | UnsetType, "No other branch may have it, compared case-insensitively."] = UNSET
    timezone: Annotated[fields.Timezone | UnsetType | None, "null: the organization's."] = UNSET


class NewServiceBody(Struct, frozen=True, kw_only=True):
    """A new service."""

    name: Annotated[fields.Name, "No other service may have it, compared case-insensitively."]
    active: Annotated[fields.Flag, "Only active services are offered."] = True


class ServiceBody(Struct, frozen=True, kw_only=True):
    """What to change about a service; at least one field."""

    name: Annotated[fields.Name | UnsetType, "No other service may have it, compared case-insensitively."] = UNSET
    active: Annotated[fields.Flag | UnsetType, "Only active services are offered."] = UNSET


class ConfigurationBody(Struct, frozen=True, kw_only=True):
    """What to change about the configuration; at least one field."""

    timezone: fields.Timezone | UnsetType = UNSET
    allow_cancellation: fields.Flag | UnsetType = UNSET
    cancellation_notice_hours: fields.Hours | UnsetType = UNSET
    allow_rescheduling: fields.Flag | UnsetType = UNSET
    allow_duplicate_booking: fields.Flag | UnsetType = UNSET
    min_notice_hours: fields.Hours | UnsetType = UNSET
    max_advance_days: Annotated[fields.Days | UnsetType | None, "null: no limit."] = UNSET
    token_numbers: fields.Flag | UnsetType = UNSET
    horizon_days: Annotated[
        fields.Days | UnsetType, "For how many dates after today schedule tracking records are kept."
    ] = UNSET


async def list_branches(request: Request) -> Data[list[BranchView]]:
    """List the branches by name."""
    found = await directory.list_branches(request.db, request.caller)
    return Data(True, [branch_view(branch) for branch in found])


async def create_branch(request: Request) -> Data[BranchView]:
    """Open a branch."""
    body = read_body(NewBranchBody, request.body)
    caller = request.once(body, _branch)
    made = await directory.create_branch(request.db, caller, name=body.name, timezone=body.timezone, now=request.now)
    return _branch(made)


def _branch(branch: Branch) -> Data[BranchView]:
    return Data(True, branch_view(branch))


async def update_branch(request: Request) -> Data[BranchView]:
    """Change a branch's name or time zone."""
    branch_id = read_id("branch_id", request.target)
    changes, echoed = read_changes(BranchBody, BranchView, request.body)
    branch = await directory.update_branch(
        request.db,
        request.caller,
        branch_id,
        changes=cast("directory.BranchChanges", changes),
        expect=expecting(echoed, branch_view),
        now=request.now,
    )
    return Data(True, branch_view(branch))


async def list_services(request: Request) -> Data[list[ServiceView]]:
    """List the services by name, inactive ones included."""
    found = await directory.list_services(request.db, request.caller)
    return Data(True, [service_view(service) for service in found])


async def create_service(request: Request) -> Data[ServiceView]:
    """Offer a service."""
    body = read_body(NewServiceBody, request.body)
    caller = request.once(body, _service)
    made = await directory.create_service(request.db, caller, name=body.name, active=body.active, now=request.now)
    return _service(made)


def _service(service: Service) -> Data[ServiceView]:
    return Data(True, service_view(service))


async def update_service(request: Request) -> Data[ServiceView]:
    """Change a service's name, or whether it is offered."""
    service_id = read_id("service_id", request.target)
    changes, echoed = read_changes(ServiceBody, ServiceView, request.body)
    service = await directory.update_service(
        request.db,
        request.caller,
        service_id,
        changes=cast("directory.ServiceChanges", changes),
        expect=expecting(echoed, service_view),
        now=request.now,
    )
    return Data(True, service_view(service))


async def get_configuration(request: Request) -> Data[ConfigurationView]:
    """Show the organization's time zone and booking rules."""
    return Data(True, configuration_view(await directory.get_configuration(request.db, request.caller)))


async def update_configuration(request: Request) -> Data[ConfigurationView]:
    """Change the organization's time zone or booking rules."""
    changes, _ = read_changes(ConfigurationBody, ConfigurationView, request.body)
    configuration = await directory.update_configuration(
        request.db, request.caller, changes=cast("directory.ConfigurationChanges", changes), now=request.now
    )
    return Data(True, configuration_view(configuration))
