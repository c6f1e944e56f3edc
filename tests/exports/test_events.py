"""The outbox, and the event stream that reads it."""

import ast
import datetime
import io
import re
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import audit
from accounts.models import AuditedPatient, OutboxEvent, Role
from accounts.models.events import KEPT
from accounts.services.catalogs import archive_catalog_row, create_catalog_row, update_catalog_row
from clinical.models import Allergy, AllergyDefinition
from exports.event_types import event_types
from patients.models import Location, Patient
from patients.services.charts import archive_entry, create_entry, update_entry
from patients.services.lifecycle import archive_patient
from tests.factories import SYSTEM, archive
from tests.test_import_law import APPS, ROOT, modules

DOCUMENT = ROOT / "docs" / "events.md"


@pytest.fixture(autouse=True)
def no_older_events(db):
    OutboxEvent.objects.all().delete()


@pytest.fixture
def events(api, clinic):
    """Return what reads a page of the stream."""

    def read(role=Role.HC_ADMIN, status=200, **query):
        answer = api(role).get(f"{clinic.base}/events", query)
        assert answer.status_code == status, answer.content
        return answer.json()

    return read


def told(page) -> list[tuple]:
    return [(event["type"], event["subject_uuid"], event["patient_uuid"], event["version"]) for event in page["data"]]


def test_events_of_a_chart_tell_what_whose_and_which_version(api, clinic, events):
    patient = clinic.patient()
    body = {"base_version": 1, "first_name": "Ada"}
    assert api().patch(f"{clinic.base}/patients/{patient.uuid}", body).status_code == 200
    definition = clinic.catalog(AllergyDefinition, "Latex")
    actor = SYSTEM
    allergy = create_entry(actor=actor, model=Allergy, patient_id=patient.pk, allergy_definition_id=definition.pk)
    named = {"model": Allergy, "patient_id": patient.pk, "entry_id": allergy.pk}
    update_entry(actor=actor, base_version=1, changes={"severity": "severe"}, **named)
    archive_entry(actor=actor, base_version=2, **named)
    archive_patient(actor=actor, patient_id=patient.pk)
    one, entry = str(patient.uuid), str(allergy.uuid)
    found = [event for event in told(events()) if event[2] == one]
    assert found == [
        ("patient.created", one, one, 1),
        ("patient.updated", one, one, 2),
        ("allergy.created", entry, one, 1),
        ("allergy.updated", entry, one, 2),
        ("allergy.archived", entry, one, 3),
        ("patient.archived", one, one, Patient.objects.get(pk=patient.pk).version),
    ]


def test_events_name_the_key_of_a_client_and_none_of_a_command(api, clinic, events):
    api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B"})
    clinic.patient()
    by_client, by_command = (event for event in events(types="patient.created")["data"])
    assert clinic.keys[Role.HC_ADMIN].split("_")[1] == by_client["key_id"]
    assert by_command["key_id"] == ""


def test_catalogs_are_told_of_and_are_about_no_patient(clinic, events):
    row = create_catalog_row(actor=SYSTEM, model=Location, organization=clinic.organization, name="North")
    update_catalog_row(actor=SYSTEM, row=row, base_version=1, changes={"name": "South"})
    archive_catalog_row(actor=SYSTEM, row=row, base_version=2)
    assert told(events()) == [
        (f"location.{verb}", str(row.uuid), None, version) for verb, version in (("created", 1), ("updated", 2), ("archived", 3))
    ]


def test_many_rows_written_at_once_are_told_of_one_by_one(api, clinic, events):
    rows = [{"first_name": "A", "last_name": f"B{number}"} for number in range(30)]
    assert api().post(f"{clinic.base}/patients/bulk", {"mode": "create", "rows": rows}).status_code == 200
    page = events(first=100)
    assert len({event["subject_uuid"] for event in page["data"]}) == 30
    assert {event["version"] for event in page["data"]} == {1}


def test_a_cursor_goes_on_where_the_last_page_ended_and_is_there_when_nothing_is(clinic, events):
    first = [clinic.patient() for _ in range(3)]
    page = events(first=2)
    assert page["page_info"]["has_next_page"] is True
    rest = events(first=2, after=page["page_info"]["end_cursor"])
    seen = [event["patient_uuid"] for event in page["data"] + rest["data"]]
    assert seen == [str(patient.uuid) for patient in first]
    nothing = events(first=2, after=rest["page_info"]["end_cursor"])
    assert (nothing["data"], nothing["page_info"]["has_next_page"]) == ([], False)
    later = clinic.patient()
    again = events(first=2, after=nothing["page_info"]["end_cursor"])
    assert [event["patient_uuid"] for event in again["data"]] == [str(later.uuid)]


def test_types_and_a_patient_narrow_the_stream(clinic, events):
    one, other = clinic.patient(), clinic.patient()
    archive(one)
    assert [event["type"] for event in events(patient_uuid=one.uuid)["data"]] == ["patient.created", "patient.archived"]
    assert told(events(types="patient.archived,patient.restored")) == [("patient.archived", str(one.uuid), str(one.uuid), 2)]
    assert len(events(types="patient.created")["data"]) == 2
    problem = events(status=422, types="patient.created,patient.born")["detail"][0]
    assert (problem["loc"], problem["msg"]) == (["query", "types"], "These are no types of events: patient.born")
    assert other.uuid != one.uuid


def test_a_caregiver_gets_the_events_of_their_patients_only(clinic, neighbour, events):
    own, unseen = clinic.patient(care_group_id=clinic.group.pk), clinic.patient()
    foreign = neighbour.patient()
    create_catalog_row(actor=SYSTEM, model=Location, organization=clinic.organization, name="North")
    assert [event["patient_uuid"] for event in events(Role.HC_PRIMARY)["data"]] == [str(own.uuid)]
    assert {event["patient_uuid"] for event in events(Role.HC_VIEW_ALL)["data"]} == {str(own.uuid), str(unseen.uuid), None}
    for hidden in (unseen, foreign):
        assert events(Role.HC_PRIMARY, 404, patient_uuid=hidden.uuid)
    assert events(Role.PATIENT, 403)


def test_whose_events_left_is_audited(clinic, events):
    patient = clinic.patient()
    before = AuditedPatient.objects.filter(patient_id=patient.pk, event__action="event.search").count()
    events()
    assert AuditedPatient.objects.filter(patient_id=patient.pk, event__action="event.search").count() == before + 1


def aged(days: float) -> None:
    """Make events older by so many days, as prune has not run meanwhile."""
    for event in OutboxEvent.objects.all():
        OutboxEvent.objects.filter(pk=event.pk).update(created_at=event.created_at - datetime.timedelta(days=days))


def test_events_are_shown_for_thirty_days_and_a_cursor_to_older_ones_is_told_so(clinic, events):
    clinic.patient()
    cursor = events(first=1)["page_info"]["end_cursor"]
    assert events(after=cursor)["data"] == []
    assert len(events()["data"]) == 1
    aged(30.1)
    assert events()["data"] == []


def test_an_old_cursor_is_told_what_to_do_and_prune_comes_later(clinic, events, monkeypatch):
    for _ in range(3):
        clinic.patient()
    cursor = events(first=1)["page_info"]["end_cursor"]
    moved = timezone.now() + KEPT + datetime.timedelta(hours=23)
    monkeypatch.setattr(timezone, "now", lambda: moved)
    # It is good for a day more than events are shown, so that who begins at the oldest can go on.
    assert len(events(after=cursor)["data"]) == 2
    output = io.StringIO()
    call_command("prune", stdout=output)
    assert "0 events of the outbox deleted" in output.getvalue()
    later = moved + datetime.timedelta(days=1, hours=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    told = {"detail": "What followed this cursor is no longer kept: begin again without one"}
    assert events(status=410, after=cursor) == told
    call_command("prune", stdout=output)
    assert "3 events of the outbox deleted" in output.getvalue()


def test_the_last_cursor_moves_on_where_nothing_happens(clinic, events, monkeypatch):
    clinic.patient()
    OutboxEvent.objects.update(created_at=timezone.now() - KEPT + datetime.timedelta(days=1))
    cursor = events()["page_info"]["end_cursor"]
    cursor = events(after=cursor)["page_info"]["end_cursor"]
    later = timezone.now() + datetime.timedelta(days=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert events(after=cursor)["data"] == []


# --- the types --------------------------------------------------------------------------------------
def test_the_document_lists_every_type():
    lines = re.findall(r"^\| `(\w+)` \| (.+?) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    listed = [f"{kind}.{verb}" for kind, verbs in lines for verb in re.findall(r"`(\w+)`", verbs)]
    assert sorted(listed) == sorted(event_types())


def test_every_type_is_published_by_a_service():
    """What is published is checked by the whole suite (`conftest.py`); this finds a type that no service gives any more."""
    patterns = [re.compile(pattern) for pattern in published()]
    assert [kind for kind in event_types() if not any(pattern.fullmatch(kind) for pattern in patterns)] == []


def published() -> Iterator[str]:
    """Yield the types in the calls of services, as patterns: what is put into them stands as a word."""
    for name, path in modules().items():
        if name.split(".")[0] not in APPS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "event":
                continue
            if isinstance(node.value, ast.Constant) and node.value.value:
                yield re.escape(node.value.value)
            elif isinstance(node.value, ast.JoinedStr):
                parts = node.value.values
                yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+" for part in parts)


def test_no_other_type_is_published(clinic):
    patient = clinic.patient()
    with pytest.raises(AssertionError, match=r"patient\.born"):
        audit.record_change(SYSTEM, "patient.update", patient, event="patient.born")
