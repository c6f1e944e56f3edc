"""Who read a chart: a page for staff, and for the patient who asks a letter and a file."""

import csv
import datetime
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.models import Medication
from exports.admin.trail import readers
from tests.append_only import lifted
from tests.conftest import ApiClient
from tests.pages import sign_in

OFFICE = [Role.HC_ADMIN, Role.HC_VIEW_ALL, Role.FC_ADMIN]
FILES = ["chart_readers_letter", "chart_readers_csv"]


@pytest.fixture
def desk(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def open_chart(client, patient, page: str = "chart", *more: str):
    return client.get(reverse(f"admin:{page}", args=[patient.pk, *more]))


def asked(client, patient, name: str = "chart_readers", /, **query):
    return client.get(reverse(f"admin:{name}", args=[patient.pk]), query)


def told(client, patient, **query) -> list[str]:
    return [reading.what for reading in asked(client, patient, **query).context["readings"]]


def table(client, patient, **query) -> list[dict[str, str]]:
    answer = asked(client, patient, "chart_readers_csv", **query)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_readers_are_told_in_words_and_parts_belong_to_an_opening(clinic, hugo, nurse, desk):
    open_chart(desk, hugo, "chart_block", "contact")
    open_chart(nurse, hugo)
    open_chart(nurse, hugo, "chart_block", "contact")
    open_chart(nurse, hugo, "chart_print")
    readings = asked(desk, hugo).context["readings"]
    assert [reading.what for reading in readings] == ["printed the summary", "opened the chart", "read a part of the chart"]
    assert {reading.doer.name for reading in readings[:2]} == {"Paula Prescott"}
    assert (readings[0].doer.role, readings[0].door) == ("Primary caregiver", "Admin")


def test_a_key_that_reads_the_entries_of_the_chart_has_read_it(clinic, hugo, desk):
    key = ApiClient(clinic.keys[Role.HC_PRIMARY])
    key.get(f"{clinic.base}/patients/{hugo.uuid}/allergies")
    key.get(f"/v1/patients/{hugo.uuid}")
    readings = asked(desk, hugo).context["readings"]
    assert [(reading.what, reading.door) for reading in readings] == [
        ("opened the chart", "Public API"),
        ("looked at allergies", "Practice API"),
    ]
    assert {(reading.doer.name, reading.doer.of) for reading in readings} == {("Key “tests”", "Paula Prescott")}


def test_changes_and_lists_are_shown_where_they_are_asked_for(clinic, hugo, nurse, desk):
    ApiClient(clinic.keys[Role.HC_PRIMARY]).get(f"{clinic.base}/patients")
    clinic.entry(Medication, hugo, med_descript="furosemide")
    open_chart(nurse, hugo)
    opened, added, listed = "opened the chart", "added the medication “furosemide”", "saw the patient in a list or search"
    assert told(desk, hugo) == [opened]
    assert [what for what in told(desk, hugo, what="changed") if "asked" not in what][:2] == [opened, added]
    assert listed not in told(desk, hugo, what="changed")
    assert listed in told(desk, hugo, what="listed")


def test_how_often_who_read_it_is_counted_by_person_and_door(clinic, hugo, nurse, desk):
    for _ in range(3):
        open_chart(nurse, hugo)
    ApiClient(clinic.keys[Role.HC_SECONDARY]).get(f"{clinic.base}/patients/{hugo.uuid}")
    context = asked(desk, hugo).context
    assert [(reader.doer.name, reader.times, reader.width) for reader in context["people"]] == [
        ("Paula Prescott", 3, 48),
        ("Key “tests”", 1, 16),
    ]
    assert context["doors"] == [("Admin", 3), ("Practice API", 1)]


def test_days_choose_and_a_year_is_shown_without_a_choice(clinic, hugo, nurse, desk):
    open_chart(nurse, hugo)
    opened = AuditEvent.objects.latest("id")
    for days, shown in ((360, 1), (370, 0)):
        with lifted():
            AuditEvent.objects.filter(pk=opened.pk).update(at=timezone.now() - datetime.timedelta(days=days))
        assert told(desk, hugo).count("opened the chart") == shown
        assert told(desk, hugo, since="2000-01-01").count("opened the chart") == 1
    assert asked(desk, hugo, since="no day").context["filter"].errors


def test_the_page_is_for_staff_who_see_the_chart_and_files_for_those_who_run_the_organization(clinic, neighbour, hugo):
    for role in (Role.HC_PRIMARY, Role.HC_SECONDARY, *OFFICE):
        client = sign_in(clinic.users[role])
        page = asked(client, hugo)
        assert page.status_code == 200
        for name in FILES:
            assert asked(client, hugo, name).status_code == (200 if role in OFFICE else 403)
            assert (reverse(f"admin:{name}", args=[hugo.pk]) in page.content.decode()) == (role in OFFICE)
    foreign = neighbour.patient(first_name="Foreign")
    for name in ("chart_readers", *FILES):
        assert asked(sign_in(clinic.users[Role.HC_ADMIN]), foreign, name).status_code == 404


@pytest.mark.parametrize(("page", "action"), [("chart_readers", "readers"), *((name, "export_readers") for name in FILES)])
def test_asking_is_audited_with_the_patient(clinic, hugo, desk, page, action):
    before = AuditEvent.objects.latest("id").pk
    asked(desk, hugo, page)
    event = AuditEvent.objects.get(pk__gt=before, action=f"patient.{action}")
    assert list(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) == [hugo.pk]


def test_the_file_has_a_row_for_each_access_in_the_words_of_the_page(clinic, hugo, nurse, desk):
    open_chart(nurse, hugo)
    (row,) = table(desk, hugo)
    assert (row["Who"], row["Role"], row["What"], row["Where"]) == (
        "Paula Prescott",
        "Primary caregiver",
        "opened the chart",
        "Admin",
    )
    at = AuditEvent.objects.get(action="patient.read", patients__patient_id=hugo.pk).at.astimezone(clinic.organization.zone)
    assert row["When"] == f"{at:%-d %b %Y, %H:%M %Z}"
    answer = asked(desk, hugo, "chart_readers_csv")
    assert "Abernathy" not in answer.headers["Content-Disposition"]


def test_no_cell_of_the_file_is_a_formula(clinic, hugo, nurse, desk):
    user = clinic.users[Role.HC_PRIMARY]
    user.first_name = "=1+1"
    user.save()
    open_chart(nurse, hugo)
    assert table(desk, hugo)[0]["Who"] == "'=1+1 Prescott"


def test_a_file_ends_at_the_latest_rows_and_the_letter_says_so(clinic, hugo, nurse, desk, monkeypatch):
    monkeypatch.setattr(readers, "MOST", 2)
    for _ in range(3):
        open_chart(nurse, hugo)
    assert len(table(desk, hugo)) == 2
    assert "There are more" in asked(desk, hugo, "chart_readers_letter").content.decode()
    assert "There are more" not in asked(desk, hugo, "chart_readers_letter", until="2001-01-01").content.decode()


def test_the_letter_names_patient_and_organization_and_has_no_frame(clinic, hugo, nurse, desk):
    open_chart(nurse, hugo)
    text = asked(desk, hugo, "chart_readers_letter").content.decode()
    for words in ("Who read the chart of Hugo Abernathy", clinic.organization.name, "Paula Prescott", "opened the chart"):
        assert words in text
    assert "nav-sidebar" not in text


@pytest.mark.parametrize("page", ["chart_readers", *FILES])
def test_a_page_costs_the_same_statements_for_one_access_and_for_many(clinic, hugo, nurse, desk, page):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            asked(desk, hugo, page, what="listed")
        return len(captured)

    open_chart(nurse, hugo)
    statements()
    few = statements()
    for role in (Role.HC_SECONDARY, Role.HC_ADMIN, Role.HC_PRIMARY):
        ApiClient(clinic.keys[role]).get(f"{clinic.base}/patients/{hugo.uuid}")
    assert statements() == few


@pytest.mark.parametrize("page", FILES)
def test_what_cannot_be_read_makes_no_file(clinic, hugo, desk, page):
    assert asked(desk, hugo, page, since="no day").status_code == 400
    assert asked(desk, hugo, page, page="2").status_code == 400
