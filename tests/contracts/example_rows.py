"""Rows of which answers must show what the examples of the documented APIs show."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model, Value

from accounts.models import Role, UserStatusChange
from accounts.services.users import create_user
from clinical.models import (
    Instrument,
    Measurement,
    MonitoringAlert,
    PlannedAction,
    StarRating,
    WorkflowFiring,
)
from config.core.databases import MomentField
from patients.models import Enrolment, Patient, PatientMutation, SettingChange
from patients.public.serializers import CHART_NUMBER_SYSTEM
from tests.clock import moment
from tests.factories import SYSTEM, Clinic

Shown = Mapping[str, Any]
Maker = Callable[[Clinic, Shown], None]
Values = Callable[[Clinic, Shown], dict[str, Any]]


def stored(row: Model, **values: Any) -> None:
    """Give a row values that services do not take: names of catalogs, and moments of the database's clock."""
    moments = {name: Value(value, output_field=MomentField()) for name, value in values.items() if name.endswith("_at")}
    type(row)._base_manager.filter(pk=row.pk).update(**{**values, **moments})


# --- patients of the public and the general API ---------------------------------------------------
def name_catalogs(clinic: Clinic, organization: str, group: str, program: str, protocol: str) -> None:
    """Give the clinic, its first group, its program and its protocol the names that an example shows."""
    named = {clinic.organization: organization, clinic.group: group}
    named |= {clinic.catalogs["program"]: program, clinic.catalogs["protocol"]: protocol}
    for row, name in named.items():
        stored(row, name=name)


def public_patient(clinic: Clinic, neighbour: Clinic, shown: Shown) -> Patient:
    """Make the patient whom an example of the public API shows."""
    name_catalogs(clinic, *(shown[part]["name"] for part in ("organization", "group", "program", "protocol")))
    if shown["organization"]["parentId"]:
        stored(neighbour.organization, name=shown["organization"]["parentName"])
        stored(clinic.organization, parent=neighbour.organization)
    number, others = _identifiers(shown["identifiers"])
    patient = clinic.enrolled(
        first_name=shown["firstName"],
        middle_name=shown["middleName"],
        last_name=shown["lastName"],
        date_of_birth=datetime.date.fromisoformat(shown["dateOfBirth"]),
        sex=shown["sex"],
        email=shown["email"],
        mobile_phone=shown["phone"],
        account_name=shown["accountName"],
        timezone=shown["timezone"],
        language=shown["language"],
        chart_number=number,
        identifiers=others,
        care_group_id=clinic.group.pk,
    )
    if "startDate" in shown["program"]:
        days = {"start_date": shown["program"]["startDate"], "end_date": shown["program"]["endDate"]}
        stored(Enrolment.objects.get(patient=patient), **days)
    # Last, as a change of the program is one of the patient.
    stored(
        patient,
        created_at=moment(shown["createdAt"]),
        updated_at=moment(shown["updatedAt"]),
        activated_at=moment(shown["activatedAt"]),
    )
    return patient


def _identifiers(shown: list[Shown]) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the chart number, and the identifiers of other systems as they are stored."""
    number = next((one["value"] for one in shown if one["system"] == CHART_NUMBER_SYSTEM), None)
    others = []
    for one in (one for one in shown if one["system"] != CHART_NUMBER_SYSTEM):
        (coding,) = one["type"]["coding"]
        kind = {f"type_{name}": value for name, value in coding.items()}
        assigner = one["assigner"] and one["assigner"]["display"]
        others.append({"use": one["use"], "system": one["system"], "value": one["value"], "assigner": assigner, **kind})
    return number, others


def general_patient(clinic: Clinic, shown: Shown, **values: Any) -> Patient:
    """Make the patient whom an example of the general API shows."""
    patient = clinic.patient(
        **{name: shown[name] for name in ("first_name", "last_name", "gender", "email")},
        date_of_birth=datetime.date.fromisoformat(shown["date_of_birth"]),
        mobile_phone=shown["phone"],
        address_line1=shown["address"]["street"],
        postal_code=shown["address"]["zip_code"],
        city=shown["address"]["city"],
        state=shown["address"]["state"],
        **values,
    )
    stored(patient, created_at=moment(shown["created_at"]), updated_at=moment(shown["updated_at"]))
    return patient


# --- rows of reports ------------------------------------------------------------------------------
def local(shown: str | None, clinic: Clinic) -> datetime.datetime | None:
    """Return the moment that a report writes as a time of the organization's clocks."""
    return shown and moment(shown).replace(tzinfo=ZoneInfo(clinic.organization.timezone))


def of_report(clinic: Clinic, name: str, shown: Shown) -> None:
    """Make the row that an example of the report `name` shows, and whom it is about."""
    name_catalogs(clinic, clinic.name, *(shown.get(part, "Not shown") for part in ("Group", "Program", "Protocol")))
    ROWS[name](clinic, shown)


def _patient(clinic: Clinic, shown: Shown, **values: Any) -> Patient:
    named = {column: shown[column.title()] for column in ("first_name", "last_name") if column.title() in shown}
    make = clinic.enrolled if "Program" in shown or "Program_Name" in shown else clinic.patient
    return make(chart_number=shown.get("Patient_Number"), care_group_id=clinic.group.pk, **named, **values)


def _in_patients(clinic: Clinic, shown: Shown) -> None:
    name_catalogs(clinic, clinic.name, shown["Group_Name"], shown["Program_Name"], shown["Protocol"])
    patient = _patient(
        clinic,
        shown,
        sex=shown["Sex"],
        email=shown["Email"],
        mobile_phone=shown["Phone"],
        date_of_birth=datetime.date.fromisoformat(shown["Date_Of_Birth"]),
        bsn=shown["BSN"],
    )
    stored(patient, created_at=local(shown["Created_Date"], clinic), activated_at=local(shown["Activated_Date"], clinic))


def _entry(model: type, moment_column: str, values: Values) -> Maker:
    """Return what makes an entry of a chart with `values`, created at the moment in `moment_column`."""

    def make(clinic: Clinic, shown: Shown) -> None:
        row = clinic.entry(model, _patient(clinic, shown), **values(clinic, shown))
        stored(row, created_at=local(shown[moment_column], clinic))

    return make


def _heart_rate(clinic: Clinic, shown: Shown) -> int:
    return clinic.catalog(Instrument, shown["Measurement_Name"], code="heart-rate").pk


def _measured(clinic: Clinic, shown: Shown) -> dict[str, Any]:
    at = local(shown["Measurement_Date"], clinic)
    return {"instrument_id": _heart_rate(clinic, shown), "value_number": shown["Measurement_Value"], "measured_at": at}


def _raised(clinic: Clinic, shown: Shown) -> dict[str, Any]:
    return {
        "flag": shown["Alert_Flag"],
        "type": shown["Alert_Type"].lower(),
        "instrument_id": _heart_rate(clinic, shown),
        "care_group_id": clinic.group.pk,
        "program_id": clinic.catalogs["program"].pk,
        "protocol_id": clinic.catalogs["protocol"].pk,
    }


def _planned(clinic: Clinic, shown: Shown) -> dict[str, Any]:
    zone = shown["Valid_Period_Timezone"]
    begins, completed = (moment(shown[name]).replace(tzinfo=ZoneInfo(zone)) for name in ("Not_Before", "Completed_At"))
    return {
        "planned_via": shown["Planned_Via"],
        "self_planned": shown["Self_Planned"] == 1,
        "timezone": zone,
        "not_before": begins,
        "expires_at": begins + datetime.timedelta(days=1),
        "completed_at": completed,
    }


def _fired(clinic: Clinic, shown: Shown) -> dict[str, Any]:
    return {"trigger_day": shown["Trigger_Day"], "trigger_count": shown["Trigger_Count"]}


def _set(clinic: Clinic, shown: Shown) -> dict[str, Any]:
    return {"key": shown["Key"], "value": shown["Value"], "created_by_id": clinic.users[Role.HC_ADMIN].pk}


def _rated(clinic: Clinic, shown: Shown) -> dict[str, Any]:
    return {"score": int(shown["Score"]), "remarks": shown["Remarks"]}


def _enrolment(clinic: Clinic, shown: Shown) -> None:
    row = Enrolment.objects.get(patient=clinic.enrolled())
    stored(row, created_by=clinic.users[Role.HC_ADMIN], created_at=local(shown["Created_Date"], clinic))


def _person(clinic: Clinic, shown: Shown) -> None:
    stored(clinic.group, name=shown["Groups"])
    create_user(
        actor=SYSTEM,
        email=shown["Email"],
        first_name=shown["First_Name"],
        last_name=shown["Last_Name"],
        language=shown["Language"],
        role=shown["Role"].upper(),
        last_login=local(shown["Last_Login_At"], clinic),
        organization=clinic.organization,
        care_groups=[clinic.group],
    )


def _status_change(clinic: Clinic, shown: Shown) -> None:
    at = {name: local(shown[f"{name.title()}_Date"], clinic) for name in ("created", "processed")}
    row = UserStatusChange.objects.create(
        organization=clinic.organization,
        user=clinic.users[Role.HC_SECONDARY],
        from_status=shown["From_Status"],
        to_status=shown["To_Status"],
        reason=shown["Reason"],
        created_by=clinic.users[Role.HC_ADMIN],
        processed_at=at["processed"],
    )
    stored(row, created_at=at["created"])


ROWS: dict[str, Maker] = {
    "patients": _in_patients,
    "measurements": _entry(Measurement, "Measurement_Date", _measured),
    "alerts": _entry(MonitoringAlert, "Alert_Created_Date", _raised),
    "hcps": _person,
    "patientsMutations": _entry(
        PatientMutation, "Mutation_Date", lambda clinic, shown: {"type": shown["Type"], "name": shown["Name"]}
    ),
    "starRatings": _entry(StarRating, "Date", _rated),
    "plannedActions": _entry(PlannedAction, "Created_Date", _planned),
    "patientsWorkflowHistory": _entry(WorkflowFiring, "Created_Date", _fired),
    "patientsProgramsHistory": _enrolment,
    "patientsSettingsHistory": _entry(SettingChange, "Created_Date", _set),
    "usersStatusChangeReasons": _status_change,
}
"""Report -> what makes the row that its example shows."""
