"""Patients in the public dialect."""

import datetime
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from accounts.models import CareGroup, Language, Organization
from config.rest.compiled.loaders import CatalogLoader, ChildLoader, OrganizationLoader
from config.rest.compiled.plans import Computed, LoadedField
from config.rest.fields import Choice, ContractSerializer, Email, ScopedRelation, Text
from config.rest.openapi import enum, named, object_schema
from config.rest.public import CamelCase, LocalDateTime, local_time
from patients.models import Enrolment, Patient, PatientIdentifier, Program, Protocol, Sex
from patients.phones import E164
from patients.serializer_fields import activation, public_status

DEFAULT_TIMEZONE = "Europe/Amsterdam"
CHART_NUMBER_SYSTEM = "hospital_mrn"
COUNTRY = RegexValidator(r"\A[A-Za-z]{2}\Z", "Must be a country code of two letters.")


def _entry(uuid: str, name: str) -> dict:
    return {"id": uuid, "name": name}


def _organization(uuid: Any, name: str, parent_uuid: Any, parent_name: str | None) -> dict:
    return {"id": uuid, "name": name, "parentId": parent_uuid, "parentName": parent_name}


def _identifiers(rows: list) -> list[dict]:
    return [_identifier(*row) for row in rows]


def _identifier(use, system, value, type_system, type_code, type_display, assigner) -> dict:
    coding = {"system": type_system, "code": type_code, "display": type_display}
    return {
        "use": use,
        # What has no type leaves it out, as the document does: it never shows null there.
        **({"type": {"coding": [coding]}} if type_code else {}),
        "system": system,
        "value": value,
        "assigner": {"display": assigner} if assigner else None,
    }


def with_chart_number(found: list[dict] | None, chart_number: str | None) -> list[dict]:
    """Put the chart number before the identifiers of other systems."""
    own = [_identifier(None, CHART_NUMBER_SYSTEM, chart_number, None, None, None, None)] if chart_number else []
    return own + (found or [])


def _latest(rows: list) -> dict | None:
    """Return the last enrolment as the two objects that answers show."""
    if not rows:
        return None
    start, end, program_uuid, program, protocol_uuid, protocol = rows[-1]
    dates = {"startDate": start, "endDate": end}
    return {"program": _entry(program_uuid, program) | dates, "protocol": _entry(protocol_uuid, protocol)}


ENROLMENTS = ChildLoader(
    Enrolment,
    "patient_id",
    ("start_date", "end_date", "program__uuid", "program__name", "protocol__uuid", "protocol__name"),
    _latest,
)
IDENTIFIERS = ChildLoader(
    PatientIdentifier,
    "patient_id",
    ("use", "system", "value", "type_system", "type_code", "type_display", "assigner"),
    _identifiers,
)


def _activated_at(actor: Any, activated: datetime.datetime | None, created: datetime.datetime, zone: str) -> str | None:
    return local_time(actor, activation(activated, created), zone)


def _object(title: str, /, *, nullable: bool, optional: tuple[str, ...] = (), **properties: dict) -> dict:
    required = [name for name in properties if name not in optional]
    return named(title, {**object_schema(properties), "nullable": nullable, "required": required})


_UUID = {"type": "string", "format": "uuid"}
_NAME = {"type": "string"}
_DATE = {"type": "string", "format": "date", "nullable": True}
_MAYBE = {"type": "string", "nullable": True}
_CODING = _object("IdentifierCoding", nullable=False, system=_MAYBE, code=_NAME, display=_MAYBE)
_IDENTIFIER = _object(
    "Identifier",
    nullable=False,
    optional=("type",),
    use=_MAYBE,
    type=_object("IdentifierType", nullable=False, coding={"type": "array", "items": _CODING}),
    system=_NAME,
    value=_NAME,
    assigner=_object("IdentifierAssigner", nullable=True, display=_NAME),
)


class PublicPatientOut(CamelCase, ContractSerializer):
    """A patient."""

    id = serializers.UUIDField(source="uuid")
    created_at = LocalDateTime("created_at")
    updated_at = LocalDateTime("updated_at")
    activated_at = Computed(
        _activated_at,
        ("activated_at", "created_at", "timezone"),
        schema={"type": "string", "format": "date-time", "nullable": True},
    )
    language = Computed(
        lambda actor, own, common: own or common,
        ("language", "organization__language"),
        schema={"type": "string", "enum": Language.values},
    )
    status = Computed(
        public_status,
        ("status", "user__status"),
        schema=named("PatientStatus", enum(["created", "active", "blocked", "stopped", "cancelled"])),
    )
    phone = serializers.CharField(source="mobile_e164", allow_null=True)
    identifiers = LoadedField(
        IDENTIFIERS,
        source="id",
        render=with_chart_number,
        columns=("chart_number",),
        schema={"type": "array", "items": _IDENTIFIER},
    )
    organization = LoadedField(
        OrganizationLoader(_organization),
        source="organization_id",
        schema=_object(
            "Organization", nullable=False, id=_UUID, name=_NAME, parentId={**_UUID, "nullable": True}, parentName=_MAYBE
        ),
    )
    group = LoadedField(
        CatalogLoader(CareGroup, _entry),
        source="care_group_id",
        schema=_object("NamedReference", nullable=True, id=_UUID, name=_NAME),
    )
    program = LoadedField(
        ENROLMENTS,
        source="id",
        render=lambda found: found["program"] if found else None,
        schema=_object("EnrolledProgram", nullable=True, id=_UUID, name=_NAME, startDate=_DATE, endDate=_DATE),
    )
    protocol = LoadedField(
        ENROLMENTS,
        source="id",
        render=lambda found: found["protocol"] if found else None,
        schema=_object("NamedReference", nullable=True, id=_UUID, name=_NAME),
    )

    class Meta:
        model = Patient
        fields = [
            "id",
            "created_at",
            "updated_at",
            "activated_at",
            "timezone",
            "language",
            "first_name",
            "middle_name",
            "last_name",
            "date_of_birth",
            "sex",
            "status",
            "email",
            "phone",
            "account_name",
            "identifiers",
            "organization",
            "group",
            "program",
            "protocol",
        ]


class PublicPatientIn(CamelCase, ContractSerializer):
    """The body that creates a patient and enrols them."""

    account_name = Text(max_length=150)
    email = Email(max_length=254)
    patient_number = Text(max_length=64, source="chart_number", required=False, allow_null=True)
    organization_id = ScopedRelation(Organization)
    group_id = ScopedRelation(CareGroup, source="care_group_id", required=False, allow_null=True)
    program_id = ScopedRelation(Program)
    protocol_id = ScopedRelation(Protocol)
    phone_number = Text(max_length=64, source="mobile_phone", required=False, allow_null=True)
    sex = Choice(choices=Sex.choices)
    address_country = Text(max_length=64, source="country", required=False, allow_null=True, validators=[COUNTRY])
    address_city = Text(max_length=255, source="city", required=False, allow_null=True, allow_blank=True)
    address_postal_code = Text(max_length=32, source="postal_code", required=False, allow_null=True, allow_blank=True)
    address_street = Text(max_length=255, source="street", required=False, allow_null=True, allow_blank=True)
    address_house_number = Text(max_length=32, source="house_number", required=False, allow_null=True, allow_blank=True)
    address_house_number_suffix = Text(
        max_length=32, source="house_number_suffix", required=False, allow_null=True, allow_blank=True
    )

    class Meta:
        model = Patient
        fields = [
            "account_name",
            "email",
            "patient_number",
            "organization_id",
            "group_id",
            "program_id",
            "protocol_id",
            "sms_login_enabled",
            "timezone",
            "language",
            "comments",
            "first_name",
            "middle_name",
            "last_name",
            "date_of_birth",
            "phone_number",
            "sex",
            "address_country",
            "address_city",
            "address_postal_code",
            "address_street",
            "address_house_number",
            "address_house_number_suffix",
        ]

    def validate_phoneNumber(self, value):  # noqa: N802
        if value is not None and not E164.fullmatch(value):
            raise serializers.ValidationError("Must be a phone number in E.164 format, such as +31612345678.")
        return value

    def validate(self, attrs):
        if attrs.get("sms_login_enabled") and not attrs.get("mobile_phone"):
            raise serializers.ValidationError({"phoneNumber": "Required when smsLoginEnabled is true."}, "required")
        # The documented default of this dialect, wherever the organization is.
        return {**attrs, "timezone": attrs.get("timezone") or DEFAULT_TIMEZONE}
