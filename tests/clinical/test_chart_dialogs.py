"""The dialogs of a chart: who may open them, what they refuse, and what they store through the services."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, Role
from clinical.models import (
    Alert,
    AlertDefinition,
    Allergy,
    AllergyDefinition,
    CommunicationLog,
    CommunicationType,
    Disease,
    DiseaseDefinition,
    Instrument,
    Measurement,
    Medication,
    MedicationDefinition,
    RuleOverride,
    SocialHistory,
    VitalSigns,
)
from patients.admin.dialogs.base import registered_dialogs
from patients.models import (
    Enrolment,
    FieldDefinition,
    FieldValue,
    Patient,
    PatientTag,
    Protocol,
    Provider,
    ReferralAttribution,
    Relationship,
    TagDefinition,
)
from tests.clinical.chart_dialogs import Dialogs, errors_of, inputs_of, message_of
from tests.clinical.rules import LIMIT
from tests.factories import Clinic, archive
from tests.pages import row_inputs

EVERY = sorted(registered_dialogs())


class Kind(NamedTuple):
    """What a kind of entry is kept in, what adds one, what corrects it, and which field cannot be left empty."""

    model: type
    added: Callable[[Clinic], dict[str, Any]]
    corrected: dict[str, Any] | None = None
    needed: str = ""


def _row(model: type) -> Callable[[Clinic], Any]:
    return lambda clinic: clinic.row(model)


KINDS: dict[str, Kind] = {
    "medication": Kind(
        Medication,
        lambda clinic: {"medication": clinic.row(MedicationDefinition).name, "dosage": "5 mg"},
        {"dosage": "10 mg"},
        "medication",
    ),
    "allergy": Kind(
        Allergy,
        lambda clinic: {"allergy_definition": clinic.row(AllergyDefinition).name},
        {"reaction": "Rash"},
        "allergy_definition",
    ),
    "problem": Kind(
        Disease,
        lambda clinic: {"disease_definition": clinic.row(DiseaseDefinition).name, "date_start": "3 Nov 2020"},
        {"date_start": "11/4/2020"},
        "disease_definition",
    ),
    "vital-signs": Kind(VitalSigns, lambda clinic: {"pulse": "72"}, {"pulse": "74"}, "date_taken"),
    "measurement": Kind(Measurement, lambda clinic: {"instrument": clinic.row(Instrument).code, "value": "7.5"}, None, "value"),
    "alert": Kind(
        Alert,
        lambda clinic: {"alert_definition": clinic.row(AlertDefinition).pk, "note": "Fall risk"},
        {"note": "Falls often", "alert_scope": "family"},
        "alert_definition",
    ),
    "communication": Kind(CommunicationLog, lambda clinic: {"note": "Asked for results"}, None, "note"),
    "enrolment": Kind(Enrolment, lambda clinic: {"protocol": clinic.catalogs["protocol"].pk}, None, "protocol"),
    "limits": Kind(
        RuleOverride,
        lambda clinic: {"instrument": clinic.row(Instrument).code, **row_inputs("limits", [LIMIT])},
        {"limits-0-value": "9"},
        "instrument",
    ),
    "social-history": Kind(SocialHistory, lambda clinic: {"value": "Never smoked"}, {"value": "Stopped"}, "value"),
    "relationship": Kind(
        Relationship,
        lambda clinic: {"to_patient": clinic.patient(care_group_id=clinic.group.pk).pk, "relationship_type": "sibling"},
        {"relationship_type": "spouse"},
        "to_patient",
    ),
    "referral": Kind(
        ReferralAttribution,
        lambda clinic: {"source": f"provider:{clinic.row(Provider).pk}", "attribution_role": "primary"},
        {"attribution_role": "secondary"},
    ),
    "tags": Kind(PatientTag, lambda clinic: {"tags": [clinic.row(TagDefinition).pk]}),
    "fields": Kind(FieldValue, lambda clinic: {str(clinic.row(FieldDefinition).pk): "blue"}),
}
DERIVED = "abnormal_flags,is_procedure_blocking"
CORRECTED = [kind for kind, what in KINDS.items() if what.corrected]
ARCHIVED = [kind for kind, verb in EVERY if verb == "archive"]
by_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def dialogs(clinic, patient) -> Dialogs:
    for model in (FieldDefinition, TagDefinition, Instrument):
        clinic.row(model)
    return Dialogs(clinic, patient)


def added(dialogs: Dialogs, kind: str) -> Any:
    """Add an entry by its dialog and return it."""
    message_of(dialogs.send(kind, **KINDS[kind].added(dialogs.clinic)))
    return KINDS[kind].model._base_manager.get(patient=dialogs.patient)


# --- who --------------------------------------------------------------------------------------------
def test_every_kind_that_can_be_added_is_tried_here():
    assert {kind for kind, verb in EVERY if verb == "add"} == {*KINDS, "no-known-allergies", "allergies-reviewed", "details"}


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.HC_PRIMARY, 200), (Role.HC_ADMIN, 200), (Role.FC_ADMIN, 200), (Role.HC_SECONDARY, 404), (Role.HC_VIEW_ALL, 403)],
)
def test_who_may_write_patients_opens_every_dialog(clinic, dialogs, patient, role, status):
    if role == Role.HC_SECONDARY:
        # A caregiver of another group does not see the patient at all.
        Patient.objects.filter(pk=patient.pk).change(patient.pk, patient.version, "Patient", care_group_id=clinic.other_group.pk)
        clinic.users[role].memberships.filter(care_group=clinic.other_group).delete()
    mine = Dialogs(clinic, patient, role)
    for kind in KINDS:
        assert (kind, mine.open(kind).status_code) == (kind, status)
        sent = mine.client.post(mine.address(kind), {}).status_code
        assert sent in ((422, 204) if status == 200 else (status,)), kind


def test_a_patient_of_another_organization_is_not_there(clinic, neighbour, dialogs):
    theirs = Dialogs(clinic, neighbour.patient())
    assert {theirs.open(kind).status_code for kind in KINDS} == {404}
    assert AuditEvent.objects.latest("pk").outcome == "denied"


@by_kind
def test_an_archived_chart_is_not_added_to(dialogs, patient, kind):
    opened = dialogs.open(kind)
    archive(patient)
    shown = dialogs.again(opened, kind, **KINDS[kind].added(dialogs.clinic))
    assert shown.status_code == dialogs.open(kind).status_code == 409
    assert "This chart is archived. Restore it first." in shown.content.decode()
    assert not KINDS[kind].model._base_manager.filter(patient=patient).exists()


def test_an_entry_of_another_chart_is_not_there(clinic, dialogs):
    other = Dialogs(clinic, clinic.patient(care_group_id=clinic.group.pk))
    for kind in CORRECTED:
        entry = added(other, kind)
        for verb in ("correct", "archive"):
            assert (kind, dialogs.open(kind, entry, verb).status_code) == (kind, 404)


def test_an_unknown_kind_or_verb_is_not_there(dialogs, clinic, patient):
    entry = clinic.entry(Medication, patient)
    assert dialogs.open("horoscope").status_code == 404
    assert dialogs.open("medication", entry, "sell").status_code == 404
    assert dialogs.open("medication", entry, "add").status_code == 404


# --- what is stored ---------------------------------------------------------------------------------
@by_kind
def test_an_entry_is_added_audited_and_told(dialogs, kind):
    before = AuditEvent.objects.latest("pk").pk
    saved = dialogs.send(kind, **KINDS[kind].added(dialogs.clinic))
    assert message_of(saved).endswith(".")
    entry = KINDS[kind].model._base_manager.get(patient=dialogs.patient)
    written = AuditEvent.objects.filter(pk__gt=before, patients__patient_id=dialogs.patient.pk, subject_id=entry.pk)
    assert written.exists()
    assert set(written.values_list("user_id", flat=True)) == {dialogs.clinic.users[Role.HC_PRIMARY].pk}


@pytest.mark.parametrize("kind", CORRECTED)
def test_an_entry_is_corrected_by_what_was_changed_only(dialogs, kind):
    entry = added(dialogs, kind)
    unchanged = dialogs.send(kind, entry, "correct")
    assert unchanged.status_code == 204, errors_of(unchanged)
    assert AuditEvent.objects.latest("pk").changed_fields in ("", "rules", DERIVED)
    assert dialogs.send(kind, entry, "correct", **KINDS[kind].corrected).status_code == 204
    changed = set(AuditEvent.objects.latest("pk").changed_fields.split(",")) - set(DERIVED.split(","))
    assert changed == ({"rules"} if kind == "limits" else set(KINDS[kind].corrected))


@pytest.mark.parametrize("kind", ARCHIVED)
def test_an_entry_is_archived(dialogs, kind):
    entry = added(dialogs, kind)
    assert message_of(dialogs.send(kind, entry, "archive")).endswith("was archived.")
    stored = KINDS[kind].model._base_manager.filter(pk=entry.pk).values().get()
    assert stored.get("deleted_at") or stored["status"] == "archived"


@pytest.mark.parametrize("kind", [kind for kind, what in KINDS.items() if what.needed])
def test_what_is_missing_is_told_beside_its_field(dialogs, kind):
    needed = KINDS[kind].needed
    shown = dialogs.send(kind, **{**KINDS[kind].added(dialogs.clinic), needed: ""})
    assert (shown.status_code, list(errors_of(shown))) == (422, [needed])
    assert f'id="id_{needed}' in shown.content.decode()
    assert not KINDS[kind].model._base_manager.filter(patient=dialogs.patient).exists()


# --- scope and cost ---------------------------------------------------------------------------------
CHOSEN: dict[str, tuple[type, Callable[[Any], dict[str, Any]]]] = {
    "medication": (MedicationDefinition, lambda row: {"medication": row.name}),
    "allergy": (AllergyDefinition, lambda row: {"allergy_definition": row.name}),
    "problem": (DiseaseDefinition, lambda row: {"disease_definition": row.name}),
    "measurement": (Instrument, lambda row: {"instrument": row.code, "value": "7"}),
    "alert": (AlertDefinition, lambda row: {"alert_definition": row.pk}),
    "communication": (CommunicationType, lambda row: {"note": "Rang", "communication_type": row.pk}),
    "enrolment": (Protocol, lambda row: {"protocol": row.pk}),
    "limits": (Instrument, lambda row: {"instrument": row.code, **row_inputs("limits", [LIMIT])}),
    "referral": (Provider, lambda row: {"source": f"provider:{row.pk}", "attribution_role": "primary"}),
    "tags": (TagDefinition, lambda row: {"tags": [row.pk]}),
    "fields": (FieldDefinition, lambda row: {str(row.pk): "blue"}),
}
"""Kind -> a catalog of which its dialog takes a row, and what names the row."""


@pytest.mark.parametrize("role", [Role.HC_PRIMARY, Role.FC_ADMIN])
def test_no_row_of_another_organization_is_offered_or_taken(clinic, neighbour, dialogs, role):
    mine = Dialogs(clinic, dialogs.patient, role)
    for kind, (model, chosen) in CHOSEN.items():
        foreign = neighbour.row(model)
        assert (kind, neighbour.name in mine.open(kind).content.decode()) == (kind, False)
        mine.send(kind, **chosen(foreign))
    referred = {field.name: field.related_model for kind in CHOSEN for field in KINDS[kind].model._meta.concrete_fields}
    for kind in CHOSEN:
        rows = KINDS[kind].model._base_manager.filter(patient=dialogs.patient)
        named = [name for name, related in referred.items() if related in {model for model, _ in CHOSEN.values()}]
        for row in rows:
            owners = {getattr(row, name).organization_id for name in named if getattr(row, name, None) is not None}
            assert owners <= {clinic.organization.pk}, kind
    assert Medication.objects.get(patient=dialogs.patient).med_descript == neighbour.row(MedicationDefinition).name


def test_a_dialog_costs_the_same_however_long_the_chart(clinic, dialogs, patient):
    def statements(kind: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert dialogs.open(kind).status_code == 200
        return len(found)

    for kind in KINDS:
        dialogs.open(kind)
    before = {kind: statements(kind) for kind in KINDS}
    for number in range(5):
        for model in (Allergy, Medication, Disease, VitalSigns):
            clinic.entry(model, patient)
        for model in (TagDefinition, Instrument, Provider):
            clinic.catalog(model, f"More {number}", **clinic.least(model))
        clinic.catalog(Protocol, f"More {number}", program=clinic.catalogs["program"])
        clinic.entry(PatientTag, patient, tag_definition_id=clinic.catalog(TagDefinition, f"Tag {number}").pk)
        definition = clinic.catalog(FieldDefinition, f"Field {number}", field_type="text")
        clinic.entry(FieldValue, patient, field_definition_id=definition.pk)
    assert {kind: statements(kind) for kind in KINDS} == before
    assert max(before.values()) <= 14


def test_the_banner_keeps_its_menu_after_it_was_fetched_again(dialogs, patient):
    shown = dialogs.client.get(reverse("admin:chart_block", args=[patient.pk, "banner"])).content.decode()
    assert [dialogs.address(kind) in shown for kind in ("medication", "vital-signs", "enrolment")] == [True, True, True]


def test_no_text_that_the_database_refuses_reaches_it(dialogs, clinic):
    for kind in KINDS:
        good, opened = KINDS[kind].added(clinic), dialogs.open(kind)
        for name in inputs_of(opened):
            answer = dialogs.again(opened, kind, **{**good, name: "\0", "override_reason": "\0"})
            assert answer.status_code in (204, 403, 422), (kind, name)
