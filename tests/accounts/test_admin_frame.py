"""The frame of the admin: its clock, its names, its session, its size on the wire."""

import datetime
import gzip
import re

import pytest
from django.contrib import admin
from django.forms import SplitDateTimeField
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Role, Session, User
from patients.models import Patient
from tests.pages import sign_in, submit, url

NEW_YORK = "America/New_York"


@pytest.fixture
def in_new_york(clinic):
    clinic.organization.timezone = NEW_YORK
    clinic.organization.save()
    return clinic


@pytest.mark.django_db
def test_the_root_leads_to_the_admin(client):
    assert client.get("/").headers["Location"] == "/admin/"


def test_a_time_is_typed_and_shown_in_the_zone_of_the_clinic(in_new_york):
    client = sign_in(in_new_york.users[Role.HC_ADMIN])
    died = {"date_time_deceased_0": "2025-12-01", "date_time_deceased_1": "09:00", "status": "deceased"}
    submit(client, Patient, first_name="Ann", last_name="Lee", **died)
    stored = Patient.objects.get(last_name="Lee")
    assert stored.date_time_deceased == datetime.datetime(2025, 12, 1, 14, tzinfo=datetime.UTC)
    page = client.get(f"/admin/patients/patient/{stored.pk}/").content.decode()
    assert "1 Dec 2025, 09:00" in page
    assert "14:00" not in page


def test_each_entry_of_the_sidebar_leads_to_its_page(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = client.get(url(Patient, "changelist")).content.decode()
    sidebar = page.partition('<aside id="nav-sidebar"')[2].partition("</nav>")[0]
    entries = {title: address for address, title in re.findall(r'<li>\s*<a href="([^"]+)".*?<span>([^<]+)<', sidebar, re.DOTALL)}
    assert len(entries) == len(set(entries.values())) > 25
    expected = {"Patients": url(Patient, "changelist"), "Alerts": reverse("admin:worklist"), "Users": url(User, "changelist")}
    assert expected.items() <= entries.items()
    assert re.findall(r'<a href="([^"]+)" aria-current="page"', sidebar) == [url(Patient, "changelist")]


def forms_of(user):
    """Yield the fields of each form of the admin that `user` may send."""
    request = RequestFactory().get("/admin/")
    request.user = user
    for found in admin.site._registry.values():
        if found.has_add_permission(request) or found.has_change_permission(request):
            yield found, found.get_form(request).base_fields


def test_every_time_that_a_form_asks_for_is_in_the_current_zone_and_says_so(clinic):
    asked = []
    with timezone.override(NEW_YORK):
        for found, fields in forms_of(clinic.users[Role.HC_ADMIN]):
            for name, field in fields.items():
                if isinstance(field, SplitDateTimeField):
                    asked.append((found.model, name))
                    assert field.clean(["2026-12-01", "09:00"]).isoformat() == "2026-12-01T09:00:00-05:00", name
                    assert "New York time" in field.help_text, name
    assert (Patient, "date_time_deceased") in asked


def test_a_row_is_called_by_its_label_in_titles_and_messages(clinic):
    patient = clinic.patient(first_name="Ann", last_name="Lee", chart_number="A-7", date_of_birth=None)
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = client.get(url(Patient, "change", patient.pk)).content.decode()
    assert "<title> Lee, Ann, A-7 |" in re.sub(r"\s+", " ", page)
    assert str(patient) not in page
    response = submit(client, Patient, patient.pk, first_name="Anna", _continue="1")
    told = client.get(response.url).content.decode()
    assert "Lee, Anna, A-7" in told
    assert "was changed successfully" in told
    assert str(patient) not in told


def test_a_row_out_of_sight_has_no_name(clinic):
    hidden = clinic.patient(first_name="Joan", last_name="Lee")
    patient = clinic.patient(responsible_party_id=hidden.pk, care_group_id=clinic.group.pk)
    page = sign_in(clinic.users[Role.HC_PRIMARY]).get(url(Patient, "change", patient.pk)).content.decode()
    assert "Not visible to you" in page
    assert "Joan" not in page
    assert str(hidden) not in page


# --- the session ------------------------------------------------------------------------------------
def ends_at() -> datetime.datetime:
    return Session.objects.get().expire_date


def test_a_page_can_ask_for_its_session(clinic, settings):
    assert Client().get("/admin/session/").json()["state"] == "signed-out"
    client = sign_in(clinic.users[Role.HC_ADMIN])
    answer = client.get("/admin/session/").json()
    assert answer["state"] == "signed-in"
    assert settings.SESSION_COOKIE_AGE - 5 <= answer["seconds"] <= settings.SESSION_COOKIE_AGE
    assert answer["csrf_token"]


def test_a_session_that_lacks_its_second_factor_is_told_where(clinic):
    organization = clinic.organization
    organization.second_factor_required = True
    organization.save()
    answer = sign_in(clinic.users[Role.HC_ADMIN]).get("/admin/session/").json()
    assert (answer["state"], answer["address"]) == ("step", "/admin/second-factor/enrol/")


def test_only_what_a_person_does_prolongs_a_session(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    client.get("/admin/session/")
    Session.objects.update(expire_date=timezone.now() + datetime.timedelta(seconds=60))
    before = ends_at()
    assert client.get("/admin/session/", headers={"X-Poll": "1"}).json()["state"] == "signed-in"
    assert ends_at() == before
    client.get("/admin/session/")
    assert ends_at() > before


def test_a_page_travels_compressed_and_an_api_answer_does_not(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = client.get("/admin/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert b"<main" in gzip.decompress(page.content)
    answer = Client().get("/v1/me", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_a_refused_page_is_audited(clinic):
    assert sign_in(clinic.users[Role.HC_VIEW_ALL]).get(url(Patient, "add")).status_code == 403
    assert AuditEvent.objects.filter(outcome=AuditEvent.Outcome.DENIED).exists()
