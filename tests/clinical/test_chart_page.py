"""The chart page of a patient: who sees it, what it costs, what it tells the audit trail, and the pages around it."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.admin.chart.blocks import BLOCKS
from clinical.models import Alert, Appointment, Disease, Medication
from patients.models import Patient
from tests.clinical.full_charts import fill, lengthen
from tests.factories import archive
from tests.pages import sign_in, url

STAFF = [Role.HC_ADMIN, Role.HC_PRIMARY, Role.HC_SECONDARY, Role.HC_VIEW_ALL, Role.FC_ADMIN]
PAGES = ["chart", "chart_print", "chart_readers"]
MOST_STATEMENTS = 20
MOST_BYTES = 100_000
SCRAP = re.compile(r"\b[0-9a-f]{8}\b")


def address(patient: Patient, page: str = "chart", *more: str) -> str:
    return reverse(f"admin:{page}", args=[patient.pk, *more])


@pytest.fixture
def patient(clinic):
    return clinic.patient(first_name="Hugo", last_name="Abernathy", care_group_id=clinic.group.pk, chart_number="RV-17")


@pytest.fixture
def desk(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def audited(action: str, outcome: str = "ok") -> list[set[int]]:
    """Return the patients of each event of `action`, oldest first."""
    events = AuditEvent.objects.filter(action=action, outcome=outcome).order_by("pk")
    return [set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) for event in events]


@pytest.mark.parametrize("role", STAFF)
def test_staff_see_the_chart_and_only_who_may_write_sees_a_way_to(clinic, patient, role):
    fill(clinic, patient, timezone.now())
    page = sign_in(clinic.users[role]).get(address(patient))
    text = page.content.decode()
    assert page.status_code == 200
    assert "Abernathy, Hugo" in text
    assert "Herbal tea" in text
    writes = role != Role.HC_VIEW_ALL
    assert ("Edit details" in text) == writes
    assert ('data-dialog="' in text) == writes


def test_every_button_opens_its_dialog(clinic, patient, desk):
    fill(clinic, patient, timezone.now())
    clinic.entry(Medication, patient, med_descript="Held", status="on_hold")
    shown = desk.get(address(patient)).content.decode()
    shown += desk.get(f"{address(patient, 'chart_block', 'medications')}?show=all").content.decode()
    dialogs = {unescape(found) for found in re.findall(r'data-dialog="([^"]*)"', shown)}
    assert len(dialogs) >= 40
    for dialog in sorted(dialogs):
        answer = desk.get(dialog)
        assert (answer.status_code, "dialog-header" in answer.content.decode()) == (200, True), dialog


@pytest.mark.parametrize("page", PAGES)
def test_a_chart_out_of_scope_does_not_exist_and_the_refusal_is_audited(clinic, neighbour, patient, page):
    foreign, elsewhere = neighbour.patient(), clinic.patient(care_group_id=clinic.other_group.pk)
    nurse = sign_in(clinic.users[Role.HC_PRIMARY])
    assert nurse.get(address(patient, page)).status_code == 200
    for hidden in (foreign, elsewhere):
        assert nurse.get(address(hidden, page)).status_code == 404
    assert nurse.get(reverse(f"admin:{page}", args=[10**15])).status_code == 404
    denied = AuditEvent.objects.filter(action="patient.read", outcome="denied").order_by("pk")
    assert list(denied.values_list("patient_id", flat=True)) == [foreign.pk, elsewhere.pk, 10**15]


def test_blocks_of_a_chart_out_of_scope_and_unknown_blocks_do_not_exist(neighbour, patient, desk):
    assert desk.get(address(neighbour.patient(), "chart_block", "medications")).status_code == 404
    assert desk.get(address(patient, "chart_block", "nothing")).status_code == 404


def test_patients_do_not_get_in(clinic):
    assert sign_in(clinic.users[Role.PATIENT]).get(address(clinic.own_patient)).status_code == 302


def test_an_archived_chart_is_read_and_not_changed(clinic, patient, desk):
    fill(clinic, patient, timezone.now())
    text = desk.get(address(archive(patient))).content.decode()
    assert "The chart can be read, not changed." in text
    assert "Edit details" not in text


def test_opening_is_audited_once_and_the_family_as_listed(clinic, patient, desk):
    relative = clinic.patient(responsible_party_id=patient.pk)
    desk.get(address(patient))
    assert audited("patient.read") == [{patient.pk}]
    assert audited("patient.search") == [{relative.pk}]


def test_a_block_fetched_again_is_no_opening_and_paper_is_told_apart(patient, desk):
    for name in [*BLOCKS, "banner", "timeline"]:
        assert desk.get(address(patient, "chart_block", name)).status_code == 200
    desk.get(address(patient, "chart_print"))
    assert audited("patient.read") == []
    assert audited("patient.refresh") == [{patient.pk}] * (len(BLOCKS) + 2)
    assert audited("patient.print") == [{patient.pk}]


def test_the_page_takes_the_same_few_statements_however_long_the_chart(clinic, patient, desk):
    relative = clinic.patient(responsible_party_id=patient.pk)
    clinic.entry(Alert, relative, alert_scope="family")
    counts = []
    for change in (
        lambda: None,
        lambda: fill(clinic, patient, timezone.now()),
        lambda: lengthen(clinic, patient, timezone.now()),
    ):
        change()
        with CaptureQueriesContext(connection) as statements:
            page = desk.get(address(patient))
        counts.append(len(statements))
    assert len(set(counts)) == 1
    assert counts[0] <= MOST_STATEMENTS
    assert len(page.content) <= MOST_BYTES
    assert page.content.decode().count('class="name">Drug ') == 12


def test_no_scrap_of_an_id_is_shown(clinic, patient, desk):
    fill(clinic, patient, timezone.now())
    for page in PAGES:
        shown = re.sub(
            r"<(script|style|link|meta|path)[^>]*>|nonce=\S+|csrf\S+", "", desk.get(address(patient, page)).content.decode()
        )
        assert SCRAP.findall(re.sub(r"<[^>]+>", " ", shown)) == []
    timeline = desk.get(address(patient, "chart_block", "timeline")).content.decode()
    assert SCRAP.findall(re.sub(r"<[^>]+>", " ", timeline)) == []


@pytest.mark.parametrize("query", ["days=29", "days=x", "only=all,clinical", "before=yesterday", "before=2030-01-01T00:00:00"])
def test_an_option_that_makes_no_sense_is_refused(patient, desk, query):
    assert desk.get(f"{address(patient, 'chart_block', 'timeline')}?{query}").status_code == 400


def test_text_of_a_chart_is_escaped(clinic, patient, desk):
    name = "<script>alert(1)</script>"
    row = clinic.catalog(Disease._meta.get_field("disease_definition").related_model, name)
    clinic.entry(Disease, patient, disease_definition_id=row.pk)
    assert "<script>alert" not in desk.get(address(patient)).content.decode()


def test_the_banner_fetched_again_keeps_its_menus_and_counts(clinic, patient, desk):
    clinic.entry(Disease, patient)
    text = desk.get(address(patient, "chart_block", "banner")).content.decode()
    assert "Problems 1" in text
    assert 'data-menu-key="m"' in text
    assert "life-cycle/archive" in text


def test_identity_numbers_are_offered_to_whom_they_may_be_shown(clinic, desk):
    patient = clinic.patient(social_security_number="000-12-3456")
    assert "Identity numbers" in desk.get(address(patient)).content.decode()
    assert "Identity numbers" not in sign_in(clinic.users[Role.HC_VIEW_ALL]).get(address(patient)).content.decode()


def test_all_rows_of_a_block_are_shown_on_demand(clinic, patient, desk):
    lengthen(clinic, patient, timezone.now())
    shown = desk.get(f"{address(patient, 'chart_block', 'medications')}?show=all").content.decode()
    assert shown.count("Drug ") >= 330


def test_lists_titles_and_forms_lead_to_the_chart(clinic, patient, desk):
    listed = desk.get(url(Patient, "changelist")).content.decode()
    assert f'href="{address(patient)}' in listed
    form = desk.get(url(Patient, "change", patient.pk)).content.decode()
    assert f'href="{address(patient)}"' in form
    assert "Allergies not reviewed" in form
    booked = clinic.appointment(patient)
    assert "Allergies not reviewed" in desk.get(url(Appointment, "change", booked.pk)).content.decode()


def test_paper_has_the_head_of_the_organization_and_no_frame(clinic, patient, desk):
    fill(clinic, patient, timezone.now())
    text = desk.get(address(patient, "chart_print")).content.decode()
    assert clinic.organization.name in text
    assert "Herbal tea" in text
    assert "nav-sidebar" not in text
