"""Reports in the admin: the rows and the audit of the API's reports, counted first; and the last downloads."""

import csv
import io

import pytest
from django.urls import reverse

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.models import Measurement
from config.core.dates import today_at
from exports.admin.reports import TITLES
from exports.registry import REPORTS
from tests.conftest import ApiClient
from tests.pages import sign_in


@pytest.fixture
def desk(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def page_of(client, **query):
    return client.get(reverse("admin:reports"), query)


def file_of(client, **query) -> bytes:
    answer = client.get(reverse("admin:report_file"), query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def by_api(key: str, path: str) -> bytes:
    answer = ApiClient(key).get(path)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_every_report_has_a_title():
    assert set(TITLES) == set(REPORTS)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_the_file_is_that_of_the_api_and_audited_as_it(clinic, desk, form):
    patient = clinic.patient(care_group_id=clinic.group.pk)
    before = AuditEvent.objects.latest("id").pk
    made = file_of(desk, report="patients", format=form)
    assert made == by_api(clinic.keys[Role.HC_ADMIN], f"/v1/export/patients.{form}")
    events = AuditEvent.objects.filter(pk__gt=before, action=f"patient.{form}").order_by("pk")
    affected = [set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) for event in events]
    assert patient.pk in affected[0]
    assert affected == [affected[0]] * 2


def test_csv_for_excel_begins_with_a_mark(clinic, desk):
    plain = file_of(desk, report="patients", format="csv")
    assert file_of(desk, report="patients", format="excel") == b"\xef\xbb\xbf" + plain


def test_rows_are_counted_first_and_are_those_of_the_file(clinic, desk):
    patient = clinic.patient(care_group_id=clinic.group.pk)
    clinic.entry(Measurement, patient)
    today = today_at(clinic.organization.timezone).isoformat()
    chosen = {"report": "measurements", "format": "csv", "since": today, "until": today}
    counted = page_of(desk, **chosen).context["rows"]
    assert counted == len(list(csv.DictReader(io.StringIO(file_of(desk, **chosen).decode())))) == 1
    other = {**chosen, "group": clinic.other_group.pk}
    assert page_of(desk, **other).context["rows"] == 0
    assert page_of(desk, **{**chosen, "group": clinic.group.pk}).context["rows"] == 1


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"report": "measurements"}, ["since", "until"]),
        ({"report": "patients", "since": "2026-01-01"}, ["since"]),
        ({"report": "measurements", "since": "2026-02-01", "until": "2026-01-01"}, ["until"]),
        ({"report": "none"}, ["report"]),
        ({"report": "patients", "group": "987654321"}, ["group"]),
        ({"report": "usersStatusChangeReasons", "group": "own"}, ["group"]),
    ],
)
def test_what_makes_no_report_is_said_beside_the_field_and_makes_no_file(clinic, desk, query, fields):
    query = {"format": "csv", **query, **({"group": clinic.group.pk} if query.get("group") == "own" else {})}
    page = page_of(desk, **query)
    assert list(page.context["form"].errors) == fields
    assert page.context["rows"] is None
    assert desk.get(reverse("admin:report_file"), query).status_code == 400


def test_a_caregiver_gets_what_their_scope_has_and_not_who_downloaded(clinic, neighbour, desk):
    mine, other = clinic.patient(care_group_id=clinic.group.pk), clinic.patient(care_group_id=clinic.other_group.pk)
    nurse = sign_in(clinic.users[Role.HC_PRIMARY])
    made = file_of(nurse, report="patients", format="csv").decode()
    assert str(mine.uuid) in made
    assert str(other.uuid) not in made
    assert "Last downloads" not in page_of(nurse).content.decode()
    assert page_of(nurse, report="patients", format="csv", group=neighbour.group.pk).context["rows"] is None


def test_the_last_downloads_say_who_made_them_one_row_for_each(clinic, neighbour, desk):
    admin = clinic.users[Role.HC_ADMIN]
    admin.first_name, admin.last_name = "Alex", "Moreau"
    admin.save()
    clinic.patient()
    by_api(neighbour.keys[Role.HC_ADMIN], "/v1/export/patients.csv")
    file_of(desk, report="patients", format="csv")
    by_api(clinic.keys[Role.HC_PRIMARY], "/v1/export/hcps.csv")
    last = page_of(desk).context["last"]
    assert [(row.doer.name, row.event.action, row.door) for row in last] == [
        ("Key “tests”", "user.csv", "Public API"),
        ("Alex Moreau", "patient.csv", "Admin"),
    ]
