"""`manage.py demo`: a consistent clinic, the same on every run."""

import datetime
import io
import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts.authentication import StaffBackend
from accounts.models import ApiKey, AuditEvent, Organization, OutboxEvent, Role, User
from accounts.models.catalogs import Catalog
from clinical.admin.appointments.columns import overlapping_pairs
from clinical.models import Appointment, Flag, MonitoringAlertStatus, RuleKind
from clinical.monitoring import day_of
from exports.demo.people import people
from exports.public.views import REPORTS
from patients.models import Enrolment, Patient
from tests.clock import Clock
from tests.conftest import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_totals")]

# What a second run may add: the fresh keys, and the trail of making them and the password.
GROWING = {ApiKey, AuditEvent, OutboxEvent}


def make(**options) -> str:
    out = io.StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


def make_json(**options) -> dict:
    return json.loads(make(json=True, **options))


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker) -> Iterator[dict]:
    """What the first run printed: the clinic is made once for all tests, each of which takes back what it does."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_json(patients=24)
        transaction.set_rollback(True)


@pytest.fixture
def demo(made) -> Iterator[dict]:
    with transaction.atomic():
        yield made
        transaction.set_rollback(True)


def patients_of(slug: str):
    return Patient.objects.filter(organization__slug=slug)


def test_json_is_one_object_with_what_a_client_needs(demo):
    assert demo.keys() == {"admin", "organization", "other_organization", "keys", "patient_uuid", "other_patient_uuid"}
    assert demo["admin"].keys() == {"email", "password"}
    assert demo["keys"].keys() == set(Role.values)
    for name in ("organization", "other_organization"):
        stored = Organization.objects.get(slug=demo[name]["slug"])
        assert demo[name] == {"uuid": str(stored.uuid), "org_id": str(stored.uuid), "slug": stored.slug}


@pytest.mark.parametrize("role", Role.values)
def test_every_key_acts_with_its_role(demo, role):
    assert ApiClient(demo["keys"][role]).get("/v1/me").json()["data"]["role"] == role


def test_the_first_organization_has_a_child_and_the_other_is_unrelated(demo):
    main, other = (Organization.objects.get(slug=demo[name]["slug"]) for name in ("organization", "other_organization"))
    assert main.children.count() == 1
    assert (main.parent, other.parent, other.children.count()) == (None, None, 0)


def test_the_patients_are_in_the_first_group_in_another_and_in_none(demo):
    primary = User.objects.get(organization__slug="riverside", role=Role.HC_PRIMARY)
    mine = set(primary.memberships.values_list("care_group_id", flat=True))
    groups = set(patients_of("riverside").values_list("care_group_id", flat=True))
    assert mine < groups
    assert None in groups
    assert groups - mine - {None}
    listed = ApiClient(demo["keys"]["HC_PRIMARY"]).get("/v1/patients", {"perPage": "200"}).json()["data"]
    assert len(listed) == patients_of("riverside").filter(care_group_id__in=mine).count() > 0


def test_the_patient_sees_their_own_record_and_nobody_elses(demo):
    client = ApiClient(demo["keys"]["PATIENT"])
    assert [row["id"] for row in client.get("/v1/patients").json()["data"]] == [demo["patient_uuid"]]
    assert client.get(f"/v1/patients/{demo['other_patient_uuid']}").status_code == 404


def test_the_other_patient_belongs_to_the_other_organization(demo):
    other = Patient.objects.get(uuid=demo["other_patient_uuid"])
    assert other.organization.slug == demo["other_organization"]["slug"]


def test_the_summaries_of_the_first_patients_have_something_to_show(demo):
    client, base = ApiClient(demo["keys"]["HC_ADMIN"]), f"/api/v1/{demo['organization']['uuid']}/patients"
    for patient in patients_of("riverside").order_by("chart_number")[:2]:
        summary = client.get(f"{base}/{patient.uuid}/medical-summary").json()
        assert [entry["disease_definition"]["name"] for entry in summary["active_problems"]] == ["Hypertension"]
        assert {entry["alert_definition"]["name"] for entry in summary["alerts"]} == {"Falls risk", "Custody arrangement"}
        assert len(summary["social_history"]) == 3
        assert summary["latest_vitals"]["bp_systolic"] == 128
        readings = client.get(f"{base}/{patient.uuid}/vital-signs").json()["items"]
        assert [reading["bp_systolic"] for reading in readings] == [128, 138, 146, 151, 158]
    first = client.get(f"{base}/{demo['patient_uuid']}/medical-summary").json()
    assert all(first[name] for name in ("allergies", "current_medications", "past_medications"))


def test_the_first_patient_is_warned_of_amoxicillin_and_of_no_clindamycin(demo):
    client, base = ApiClient(demo["keys"]["HC_PRIMARY"]), f"/api/v1/{demo['organization']['uuid']}"
    found = client.get(f"{base}/medication-definitions", {"page_size": "200"}).json()["items"]
    named = {row["name"]: row["id"] for row in found}

    def warnings(name: str) -> list[tuple[str, str]]:
        body = {"medication_definition_uuid": named[name]}
        answer = client.post(f"{base}/patients/{demo['patient_uuid']}/medications", body)
        return [(one["allergy"]["name"], one["severity"]) for one in answer.json()["interaction_warnings"]]

    assert warnings("Amoxicillin 250 MG Oral Capsule") == [("Penicillins", "high")]
    assert warnings("Clindamycin 150 mg capsule") == []


def lines(answer) -> list[dict]:
    """Return the rows of a report that came as NDJSON."""
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_every_report_has_rows_for_the_administrator(demo):
    client, days = ApiClient(demo["keys"]["HC_ADMIN"]), {"startDate": "2000-01-01", "endDate": "2099-12-31"}
    rows = {
        name: lines(client.get(f"/v1/export/{name}.ndjson", days if name in ("measurements", "alerts") else None))
        for name in REPORTS
    }
    assert [name for name, found in rows.items() if not found] == []
    admin = str(User.objects.get(email="hc.admin@riverside.example").uuid)
    assert [(row["To_Status"], row["Created_By"]) for row in rows["usersStatusChangeReasons"]] == [("stopped", admin)]
    assert {row["Created_By"] for row in rows["patientsSettingsHistory"]} == {admin}
    assert {row["Type"] for row in rows["patientsMutations"]} == {"program", "protocol", "status"}
    assert {row["Self_Planned"] for row in rows["plannedActions"]} == {0, 1}
    assert {row["Trigger_Count"] for row in rows["patientsWorkflowHistory"]} == {1, 2}


def test_three_weeks_of_monitoring_raised_alerts_of_every_kind_in_every_state(demo):
    alerts = ApiClient(demo["keys"]["HC_ADMIN"]).get("/v1/alerts", {"perPage": "200"}).json()["data"]
    assert {alert["type"] for alert in alerts} == set(RuleKind.values)
    assert {alert["flag"] for alert in alerts} == set(Flag.values)
    assert {alert["status"] for alert in alerts} == set(MonitoringAlertStatus.values)
    assert 15 < len(alerts) < 40
    primary = str(User.objects.get(organization__slug="riverside", role=Role.HC_PRIMARY).uuid)
    assert {alert["processedBy"] for alert in alerts if alert["status"] == "processed"} == {primary}


def test_a_caregiver_has_alerts_of_their_group_to_work_off(demo):
    client = ApiClient(demo["keys"]["HC_PRIMARY"])
    mine = {row["id"] for row in client.get("/v1/patients", {"perPage": "200"}).json()["data"]}
    alerts = client.get("/v1/alerts", {"status": "open"}).json()["data"]
    assert alerts
    assert {alert["patientId"] for alert in alerts} <= mine


def test_the_patient_has_measured_up_to_yesterday_and_has_gauges(demo):
    client, path = ApiClient(demo["keys"]["PATIENT"]), f"/v1/patients/{demo['patient_uuid']}/measurements"
    zone = Organization.objects.get(slug="riverside").zone
    yesterday = str(day_of(timezone.now(), zone) - datetime.timedelta(days=1))
    days = client.get(path, {"startDate": yesterday}).json()["data"]
    assert {row["instrument"] for row in days} == {"weight", "bp_systolic", "bp_diastolic", "heart_rate"}
    pk = Patient.objects.get(uuid=demo["patient_uuid"]).pk
    gauges = ApiClient(demo["keys"]["HC_ADMIN"], "X-User-Token").get(f"/general/v1/patients/{pk}/gauges").json()
    assert "mood" in {gauge["gauge_type"] for gauge in gauges}


def test_three_days_have_appointments_and_two_of_today_overlap(demo):
    clinic = Organization.objects.get(slug="riverside")
    rows = list(Appointment.objects.filter(organization=clinic).select_related("patient"))
    days = Counter(row.starts_at.astimezone(clinic.zone).date() for row in rows)
    assert [days[day] for day in sorted(days)] == [3, 16, 6]
    assert len(overlapping_pairs(rows)) == 1
    assert "deceased" not in {row.patient.status for row in rows}


def test_families_share_a_name_and_an_address_with_their_guarantor(demo):
    dependents = list(Patient.objects.exclude(responsible_party=None).select_related("responsible_party"))
    assert dependents
    for patient in dependents:
        guarantor = patient.responsible_party
        assert guarantor.responsible_party is None
        assert guarantor.organization_id == patient.organization_id
        assert (guarantor.last_name, guarantor.address_line1) == (patient.last_name, patient.address_line1)


def test_references_never_leave_the_organization(demo):
    references = ("care_group", "primary_provider", "location", "fee_schedule", "billing_type", "employer")
    for patient in Patient.objects.select_related(*references):
        linked = [getattr(patient, name) for name in references]
        assert {row.organization_id for row in linked if row} == {patient.organization_id}
    for enrolment in Enrolment.objects.select_related("program", "protocol", "patient"):
        assert enrolment.protocol.program_id == enrolment.program_id
        assert enrolment.program.organization_id == enrolment.patient.organization_id


def counts() -> dict:
    return {model: model.objects.count() for model in apps.get_models() if model not in GROWING}


def test_a_second_run_adds_nothing_but_keys_and_their_trail(demo):
    before, keys = counts(), ApiKey.objects.count()
    again = make_json(patients=24)
    assert counts() == before
    assert ApiKey.objects.count() == keys + len(Role.values)
    assert {name: again[name] for name in again if name not in ("admin", "keys")} == {
        name: demo[name] for name in demo if name not in ("admin", "keys")
    }


def test_a_run_on_another_day_adds_nothing_either(demo, monkeypatch):
    before = counts()
    Clock(monkeypatch, timezone.now() + datetime.timedelta(days=9))
    make_json(patients=24)
    assert counts() == before


def test_a_second_run_revokes_the_keys_of_the_first_and_no_others(demo):
    out = io.StringIO()
    call_command("create_api_key", "hc.admin@riverside.example", description="Own", stdout=out, stderr=io.StringIO())
    again = make_json(patients=24)
    statuses = {role: ApiClient(key).get("/v1/me").status_code for role, key in demo["keys"].items()}
    assert statuses == dict.fromkeys(Role.values, 401)
    for key in (out.getvalue().strip(), *again["keys"].values()):
        assert ApiClient(key).get("/v1/me").status_code == 200


def test_a_greater_number_adds_patients_and_keeps_the_first_ones(demo):
    before = list(patients_of("riverside").order_by("pk").values_list("uuid", "first_name"))
    make_json(patients=30)
    after = list(patients_of("riverside").order_by("pk").values_list("uuid", "first_name"))
    assert after[: len(before)] == before
    assert (len(before), len(after)) == (24, 30)


def test_the_printed_password_signs_in_after_every_run(demo):
    def signs_in(email: str, password: str) -> bool:
        return StaffBackend().authenticate(None, username=email, password=password) is not None

    admin, earlier = make_json(patients=24)["admin"], demo["admin"]["password"]
    assert signs_in(admin["email"], admin["password"])
    assert signs_in("hc.primary@riverside.example", admin["password"])
    assert not signs_in(admin["email"], earlier)
    assert not signs_in("patient@riverside.example", admin["password"])


def test_the_text_tells_where_to_sign_in_and_gives_calls_that_work(demo):
    text = make(patients=3, address="http://clinic.test:8102/")
    assert "http://clinic.test:8102/admin/" in text
    calls = re.findall(r"curl -H '([\w-]+): (?:Bearer )?(\w+)' 'http://clinic\.test:8102(/[^']+)'", text)
    assert len(calls) == 4
    organization = Organization.objects.get(slug="riverside")
    assert f"SERVER=http://clinic.test:8102 ORG={organization.uuid} KEY={calls[0][1]}\n" in text
    assert [ApiClient(key, header).get(path).status_code for header, key, path in calls] == [200] * 4


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_below_one_is_refused(demo, number):
    with pytest.raises(CommandError, match="--patients must be 1 or more"):
        make(patients=number)


def test_people_are_the_same_for_the_same_seed_and_differ_for_another():
    assert list(people("a", 50)) == list(people("a", 50))
    assert list(people("a", 80))[:50] == list(people("a", 50))
    assert list(people("a", 50)) != list(people("b", 50))


def test_no_demo_number_can_belong_to_a_person():
    for person in people("riverside", 200):
        assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", person.values["home_phone"])
        assert person.values.get("social_security_number", "000").startswith("000")
        assert person.values.get("email", "x@mail.example").endswith("@mail.example")


def test_every_catalog_has_rows_in_every_organization(demo):
    for model in (found for found in apps.get_models() if issubclass(found, Catalog)):
        for name in ("organization", "other_organization"):
            assert model.objects.filter(organization__uuid=demo[name]["uuid"]).exists(), (model.__name__, name)
