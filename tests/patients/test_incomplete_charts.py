"""Incomplete charts: what an organization asks for, who lacks it, and filling it in from the list."""

import datetime
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, ChartNeed, Organization, Role
from config.core.databases import on_postgres
from patients.completeness import incomplete_charts, needs_of, to_count
from patients.models import AllergyReviewStatus, Patient, Status
from tests.factories import archive
from tests.pages import form_values, opened, sign_in, url

BORN = datetime.date(1980, 5, 17)
ADDRESS = "/admin/patients/incomplete/"
COMPLETE = {
    "date_of_birth": BORN,
    "work_phone": "555",
    "email": "ada@example.test",
    "address_line1": "Main street 1",
    "allergy_review_status": AllergyReviewStatus.REVIEWED,
}


def asks(clinic, *needs: str, days: int | None = None) -> Organization:
    Organization.objects.filter(pk=clinic.organization.pk).update(chart_needs=list(needs), vital_signs_days=days)
    return Organization.objects.get(pk=clinic.organization.pk)


def complete(clinic, **values) -> Patient:
    catalogs = {"care_group_id": clinic.group.pk, "primary_provider_id": clinic.catalogs["provider"].pk}
    return clinic.patient(**{**COMPLETE, **catalogs, **values})


def listed(clinic, organization, needs=None, role=Role.HC_ADMIN) -> set[int]:
    return {chart.pk for chart in incomplete_charts(clinic.actor(role), organization, needs or [*needs_of(organization)])}


@pytest.mark.parametrize(
    ("need", "lacking"),
    [
        (ChartNeed.DATE_OF_BIRTH, {"date_of_birth": None}),
        (ChartNeed.PHONE, {"work_phone": ""}),
        (ChartNeed.EMAIL, {"email": ""}),
        (ChartNeed.EMAIL, {"email": None}),
        (ChartNeed.ADDRESS, {"address_line1": None}),
        (ChartNeed.CARE_GROUP, {"care_group_id": None}),
        (ChartNeed.PROVIDER, {"primary_provider_id": None}),
        (ChartNeed.ALLERGIES, {"allergy_review_status": AllergyReviewStatus.NOT_REVIEWED}),
    ],
)
def test_a_chart_lacks_what_the_organization_asks_for_and_nothing_else(clinic, need, lacking):
    complete(clinic)
    chart = complete(clinic, **lacking)
    assert listed(clinic, asks(clinic, need)) == {chart.pk}
    others = [other for other in ChartNeed if other != need]
    assert listed(clinic, asks(clinic, *others)) == set()


def test_vital_signs_are_to_be_as_fresh_as_the_organization_says(clinic):
    organization = asks(clinic, days=30)
    charts = {days: complete(clinic) for days in (28, 32)}
    never = complete(clinic)
    for days, chart in charts.items():
        taken = timezone.localdate() - datetime.timedelta(days=days)
        Patient.objects.filter(pk=chart.pk).update(latest_vitals_date=taken)
    assert listed(clinic, organization) == {charts[32].pk, never.pk}


def test_without_a_choice_birth_phone_and_allergies_are_asked_for(clinic):
    Organization.objects.filter(pk=clinic.organization.pk).update(chart_needs=None)
    organization = Organization.objects.get(pk=clinic.organization.pk)
    assert [*needs_of(organization)] == ["date_of_birth", "phone", "allergies"]
    assert [*needs_of(asks(clinic))] == []


def test_only_active_patients_in_scope_are_listed(clinic, neighbour):
    organization = asks(clinic, ChartNeed.PHONE)
    nobody = {"work_phone": None}
    ours = complete(clinic, **nobody)
    elsewhere = complete(clinic, **nobody, care_group_id=clinic.other_group.pk)
    archive(complete(clinic, **nobody))
    complete(clinic, **nobody, status=Status.INACTIVE)
    neighbour.patient()
    assert listed(clinic, organization) == {ours.pk, elsewhere.pk}
    assert listed(clinic, organization, role=Role.HC_PRIMARY) == {ours.pk}
    assert to_count(clinic.actor(Role.HC_ADMIN), organization).count() == 2
    assert to_count(clinic.actor(Role.HC_PRIMARY), organization).count() == 1


def test_a_count_stops_where_the_page_says_that_there_are_more(clinic, monkeypatch):
    monkeypatch.setattr("patients.completeness.MAX_COUNTED", 2)
    monkeypatch.setattr("patients.admin.home.MAX_COUNTED", 2)
    asks(clinic, ChartNeed.PHONE, ChartNeed.EMAIL)
    for lacking in ({"work_phone": None}, {"email": None}, {"work_phone": None, "email": None}, {"email": None}):
        complete(clinic, **lacking)
    assert "more than 1,000 charts" in sign_in(clinic.users[Role.HC_ADMIN]).get("/admin/").content.decode()


# --- the page ----------------------------------------------------------------------------------------
def test_the_pages_follow_each_other_by_name_and_names_stand_in_no_address(clinic, monkeypatch):
    monkeypatch.setattr("patients.completeness.ROWS", 2)
    monkeypatch.setattr("patients.admin.incomplete.ROWS", 2)
    asks(clinic, ChartNeed.PHONE, ChartNeed.EMAIL)
    names = ["Ångström", "Zeeman", "Bohr", "Bohr", "de Vries"]
    charts = [complete(clinic, last_name=name, work_phone=None) for name in names]
    client, address, seen = sign_in(clinic.users[Role.HC_ADMIN]), ADDRESS, []
    while address:
        response = client.get(address)
        seen += [chart.pk for chart, _ in response.context["rows"]]
        address = f"{ADDRESS}?{response.context['next']}" if response.context["next"] else ""
        assert "bohr" not in address.lower()
    expected = Patient.objects.filter(pk__in=[chart.pk for chart in charts]).order_by("last_name_key", "pk")
    assert seen == [chart.pk for chart in expected]


def test_the_list_is_filtered_by_what_lacks_and_costs_the_same_for_many(clinic):
    asks(clinic, *ChartNeed, days=30)
    client = sign_in(clinic.users[Role.HC_ADMIN])
    first = complete(clinic, last_name="Unreachable", work_phone=None)
    client.get(ADDRESS)
    with CaptureQueriesContext(connection) as few:
        assert "Unreachable" in client.get(ADDRESS).content.decode()
    for _ in range(12):
        complete(clinic, last_name="Undated", date_of_birth=None)
    with CaptureQueriesContext(connection) as many:
        page = client.get(ADDRESS).content.decode()
    assert len(many) == len(few)
    assert ("Unreachable" in page, "Undated" in page) == (True, True)
    filtered = client.get(f"{ADDRESS}?lacks=phone").content.decode()
    assert ("Unreachable" in filtered, "Undated" in filtered) == (True, False)
    event = AuditEvent.objects.filter(action="patient.search").latest("pk")
    assert {row.patient_id for row in event.patients.all()} == {first.pk}
    assert client.get(f"{ADDRESS}?lacks=nonsense").status_code == 400
    assert client.get(f"{ADDRESS}?after=0").status_code == 400


def test_who_only_reads_gets_links_and_no_dialogs(clinic):
    asks(clinic, ChartNeed.PHONE)
    chart = complete(clinic, work_phone=None)
    dialog = f'data-dialog="/admin/patients/patient/{chart.pk}/add/details/"'
    assert dialog in sign_in(clinic.users[Role.HC_PRIMARY]).get(ADDRESS).content.decode()
    page = sign_in(clinic.users[Role.HC_VIEW_ALL]).get(ADDRESS).content.decode()
    assert dialog not in page
    assert f'href="/admin/patients/patient/{chart.pk}/"' in page


def test_the_dialog_asks_for_what_lacks_and_fills_it_in(clinic):
    asks(clinic, ChartNeed.PHONE, ChartNeed.DATE_OF_BIRTH, ChartNeed.PROVIDER, ChartNeed.EMAIL)
    chart = complete(clinic, work_phone=None, date_of_birth=None, primary_provider_id=None)
    client, address = sign_in(clinic.users[Role.HC_PRIMARY]), f"/admin/patients/patient/{chart.pk}/add/details/"
    form = client.get(address).context["form"]
    assert [field.name for field in form.visible_fields()] == [
        "date_of_birth", "mobile_phone", "home_phone", "primary_provider",
    ]  # fmt: skip
    sent = {"date_of_birth": "17 May 1980", "mobile_phone": "0612345678", "base_version": chart.version}
    answer = client.post(address, {**sent, "primary_provider": clinic.catalogs["provider"].pk})
    assert answer.status_code == 204, answer.content.decode()
    assert json.loads(answer.headers["HX-Trigger"])["saved"]["message"] == "The chart was completed."
    chart.refresh_from_db()
    assert (chart.date_of_birth, chart.mobile_phone) == (BORN, "0612345678")
    assert chart.primary_provider_id == clinic.catalogs["provider"].pk
    assert client.post(address, sent).status_code == 422


def test_a_dialog_that_leaves_everything_missing_is_refused_and_one_that_leaves_something_says_so(clinic):
    asks(clinic, ChartNeed.PHONE)
    chart = complete(clinic, work_phone=None, primary_provider_id=None)
    client, address = sign_in(clinic.users[Role.HC_PRIMARY]), f"/admin/patients/patient/{chart.pk}/add/details/"
    empty = client.post(address, {"base_version": chart.version})
    assert (empty.status_code, "Fill in at least one of these." in empty.content.decode()) == (422, True)
    asks(clinic, ChartNeed.PROVIDER)
    assert client.post(address, {"base_version": chart.version}).context["form"].errors == {
        "primary_provider": ["This field is required."]
    }
    asks(clinic, ChartNeed.PROVIDER, ChartNeed.PHONE)
    answer = client.post(address, {"base_version": chart.version, "home_phone": "0201234567"})
    assert json.loads(answer.headers["HX-Trigger"])["saved"]["message"] == "Saved. This chart still lacks something."


# --- what charts need --------------------------------------------------------------------------------
def test_an_administrator_says_what_charts_need(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    address, values = opened(client, Organization, clinic.organization.pk)
    assert values["chart_needs"] == ["date_of_birth", "phone", "allergies"]
    [asked] = re.findall(r'href="([^"]+)#id_chart_needs"', client.get(reverse("admin:incomplete")).content.decode())
    answer = client.post(asked, {**values, "chart_needs": ["email", "address"], "vital_signs_days": "90"})
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("admin:incomplete"))
    elsewhere = client.post(f"{address}?next=https://example.org/", values)
    assert elsewhere.headers["Location"] == reverse("admin:accounts_organization_changelist")
    client.post(address, {**values, "chart_needs": ["email", "address"], "vital_signs_days": "90"})
    organization = Organization.objects.get(pk=clinic.organization.pk)
    assert (organization.needs, organization.vital_signs_days) == (["email", "address"], 90)
    event = AuditEvent.objects.filter(action="organization.update").latest("pk")
    assert event.changed_fields == "chart_needs,vital_signs_days"
    assert client.post(address, {**values, "chart_needs": ["shoe_size"]}).status_code == 200
    assert client.post(address, {**values, "vital_signs_days": "0"}).status_code == 200
    assert Organization.objects.get(pk=clinic.organization.pk).needs == ["email", "address"]


def test_saving_an_organization_unchanged_writes_nothing(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    before = AuditEvent.objects.filter(action="organization.update").count()
    page = client.get(url(Organization, "change", clinic.organization.pk)).content.decode()
    client.post(url(Organization, "change", clinic.organization.pk), form_values(page, "organization_form"))
    assert AuditEvent.objects.filter(action="organization.update").count() == before


# --- the home page -----------------------------------------------------------------------------------
def test_the_home_page_counts_what_is_to_be_put_right_for_those_whose_work_it_is(clinic):
    asks(clinic, ChartNeed.PHONE)
    clinic.pair(complete(clinic, work_phone=None))
    pages = {role: sign_in(clinic.users[role]).get("/admin/").content.decode() for role in (Role.HC_ADMIN, Role.HC_PRIMARY)}
    assert "Suspected duplicates" in pages[Role.HC_ADMIN]
    assert "1 pair<" in pages[Role.HC_ADMIN]
    assert "2 charts<" in pages[Role.HC_ADMIN]
    assert "Suspected duplicates" not in pages[Role.HC_PRIMARY]
    assert "1 chart<" in pages[Role.HC_PRIMARY]


@pytest.mark.skipif(not on_postgres(), reason="SQLite has one plan")
def test_postgres_joins_no_table_of_patients_of_which_it_knows_nothing_yet(clinic):
    """Just after an import of 10,000 patients a join took the home page 35 seconds."""
    actor = clinic.actor(Role.HC_ADMIN)
    assert "Join" not in (plan := to_count(actor, clinic.organization).explain())
    assert "Nested Loop" not in plan
