"""Rows of the eleven reports, each about somebody of its own, and what reports show of them."""

import csv
import datetime
import io
import itertools
import json
from collections.abc import Callable
from typing import Any

from django.db.models import Model, Value

from accounts.models import CareGroup, Role, User, UserStatus
from accounts.services.users import change_user_status, create_user
from clinical.models import Measurement, MonitoringAlert, PlannedAction, StarRating, WorkflowFiring
from config.core.databases import MomentField
from exports import registry
from exports.days import Days
from exports.registry import REPORTS
from patients.models import Enrolment, PatientMutation, SettingChange
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic

_numbers = itertools.count(1)
ALWAYS = {"startDate": "2000-01-01", "endDate": "2099-12-31"}
DATED = [name for name, report in REPORTS.items() if report.days is not Days.FORBIDDEN]
UNDATED = [name for name, report in REPORTS.items() if report.days is Days.FORBIDDEN]
# The reports whose rows are entries of charts.
ENTRIES = {
    "measurements": Measurement,
    "alerts": MonitoringAlert,
    "patientsMutations": PatientMutation,
    "starRatings": StarRating,
    "plannedActions": PlannedAction,
    "patientsWorkflowHistory": WorkflowFiring,
    "patientsSettingsHistory": SettingChange,
}
OF_PEOPLE = ("hcps", "usersStatusChangeReasons")
OF_PATIENTS = [name for name in REPORTS if name not in OF_PEOPLE]


def add_row(clinic: Clinic, name: str, group: CareGroup | None = None, **values: Any) -> Model:
    """Add a row to the report `name`, about somebody new in `group`, else in the clinic's first one."""
    group = group or clinic.group
    if name == "patients":
        return clinic.patient(care_group_id=group.pk, **values)
    if name in OF_PEOPLE:
        return _ABOUT_PEOPLE[name](caregiver(clinic, group, **values))
    if name == "patientsProgramsHistory":
        return Enrolment.objects.get(patient=clinic.enrolled(care_group_id=group.pk))
    return clinic.entry(ENTRIES[name], clinic.patient(care_group_id=group.pk), **values)


def caregiver(clinic: Clinic, *groups: CareGroup, **values: Any) -> User:
    """Make a caregiver of some groups."""
    email = f"caregiver.{next(_numbers)}@{clinic.organization.slug}.test"
    given = {"role": Role.HC_SECONDARY, "organization": clinic.organization, "care_groups": groups, **values}
    return create_user(actor=SYSTEM, email=email, **given)


def stop(user: User) -> Any:
    """Stop a login, which leaves a status change."""
    return change_user_status(actor=SYSTEM, user=user, status=UserStatus.STOPPED, reason="Left")


_ABOUT_PEOPLE: dict[str, Callable[[User], Any]] = {"hcps": lambda user: user, "usersStatusChangeReasons": stop}


def move(row: Model, created_at: datetime.datetime) -> None:
    """Give a row another creation time, written as the database's clock writes it."""
    type(row)._base_manager.filter(pk=row.pk).update(created_at=Value(created_at, output_field=MomentField()))


def who(name: str, row: Model | dict) -> str:
    """Return the UUID of whom a row is about, as it is stored or as the report shows it."""
    if isinstance(row, dict):
        return row[{"hcps": "UUID", "usersStatusChangeReasons": "User_UUID"}.get(name, "Patient_UUID")]
    about = {"patients": row, "hcps": row, "usersStatusChangeReasons": getattr(row, "user", None)}
    return str((about.get(name) or row.patient).uuid)  # type: ignore[attr-defined]


def parameters_for(name: str, **query: Any) -> dict[str, Any]:
    """Return the least that the report `name` is asked with."""
    return (ALWAYS if REPORTS[name].days is Days.REQUIRED else {}) | query


def page(client: ApiClient, name: str, **query: Any) -> list[dict]:
    """Return the rows of the first page of a report, up to 200."""
    answer = client.get(f"/v1/export/{name}", parameters_for(name, perPage=200, **query))
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def walk(client: ApiClient, name: str, size: int) -> list[dict]:
    """Return the rows of a report by following its cursors from page to page."""
    rows: list[dict] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(f"/v1/export/{name}", parameters_for(name, perPage=size, **cursor)).json()
        rows += answer["data"]
        assert len(answer["data"]) <= size
        if answer["meta"]["nextCursor"] is None:
            return rows
        cursor = {"cursor": answer["meta"]["nextCursor"]}


def stream(client: ApiClient, name: str, form: str, **query: Any) -> bytes:
    """Return the whole report in another form than JSON."""
    answer = client.get(f"/v1/export/{name}.{form}", parameters_for(name, **query))
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def by_chunks_of(size: int, monkeypatch) -> None:
    """Let streams be made of so many rows at a time, whoever writes them."""
    monkeypatch.setattr(registry, "CHUNK", size)
    monkeypatch.setattr(registry, "LINES", size)


def lines_of(content: bytes) -> list[dict]:
    """Return the rows of an NDJSON stream."""
    return [json.loads(line) for line in content.splitlines()]


def cells_of(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV stream, line ends inside of cells kept."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
