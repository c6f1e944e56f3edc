"""ETag, If-Match and If-None-Match of what the practice dialect shows with a version."""

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.scope import Role
from clinical.models import Allergy
from config.rest import practice
from config.rest.entity_tags import names_state, names_tag
from patients.models import Patient, Provider
from tests.conftest import ApiClient
from tests.factories import Clinic

STALE = '"1-0-00"'
FAILED = {"detail": "Precondition failed: the object has changed"}


class Row:
    """A versioned row: where it is created and found, what makes it, and what changes it."""

    def __init__(self, many: str, values: dict, change: dict):
        self.many, self.values, self.change = many, values, change

    def create(self, api: ApiClient, **headers: str):
        response = api.post(self.many, self.values, **headers)
        assert response.status_code == 201, response.content
        self.one = f"{self.many}/{response.json()['id']}"
        return response


@pytest.fixture
def client(clinic) -> ApiClient:
    return ApiClient(clinic.keys[Role.HC_ADMIN])


@pytest.fixture(params=["patient", "chart record", "catalog"])
def row(request, clinic: Clinic) -> Row:
    kinds = {
        "patient": lambda: Row(
            f"{clinic.base}/patients",
            {"first_name": "Ada", "last_name": "Quist", "primary_provider_uuid": str(clinic.row(Provider).uuid)},
            {"first_name": "Eve"},
        ),
        "chart record": lambda: Row(
            f"{clinic.base}/patients/{clinic.patient().uuid}/medications",
            {"med_descript": "Herbal tea"},
            {"med_descript": "Green tea"},
        ),
        "catalog": lambda: Row(f"{clinic.base}/providers", {"name": "Dr. Who"}, {"name": "Dr. Watson"}),
    }
    return kinds[request.param]()


def test_creating_reading_and_changing_tell_the_state_and_a_change_makes_another(client, row):
    created = row.create(client)
    assert created["ETag"] == client.get(row.one)["ETag"] == client("HEAD", row.one)["ETag"]
    changed = client.patch(row.one, {**row.change, "base_version": 1})
    assert changed.status_code == 200
    assert changed["ETag"] == client.get(row.one)["ETag"] != created["ETag"]


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_a_known_state_is_304_without_a_body_and_audited_as_any_other(client, row, form):
    tag, before = row.create(client)["ETag"], AuditEvent.objects.count()
    assert client.get(row.one).status_code == 200
    events = AuditEvent.objects.count() - before
    response = client.get(row.one, If_None_Match=form.format(tag=tag))
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)
    assert "Content-Type" not in response.headers
    assert AuditEvent.objects.count() == before + 2 * events


@pytest.mark.parametrize("header", [STALE, "", "nothing quoted"])
def test_another_state_is_answered_in_full(client, row, header):
    row.create(client)
    response = client.get(row.one, If_None_Match=header)
    assert response.status_code == 200
    assert response.json()["version"] == 1


@pytest.mark.parametrize("suffix", ["-gzip", "-br", "-zstd"])
@pytest.mark.parametrize("weak", ["", "W/"])
def test_a_tag_that_a_compressing_proxy_has_changed_is_the_same(client, row, weak, suffix):
    tag = row.create(client)["ETag"]
    changed = f'{weak}{tag[:-1]}{suffix}"'
    assert client.get(row.one, If_None_Match=changed).status_code == 304
    assert client.patch(row.one, row.change, If_Match=changed).status_code == 200
    assert client.patch(row.one, row.change, If_Match=changed).status_code == 412


def test_a_weak_tag_names_the_state_too(client, row):
    tag = row.create(client)["ETag"]
    assert client.patch(row.one, row.change, If_Match=f"W/{tag}").status_code == 200


def test_if_match_stands_in_for_base_version(client, row):
    tag = row.create(client)["ETag"]
    response = client.patch(row.one, row.change, If_Match=f'"other", {tag}')
    assert response.status_code == 200, response.content
    assert response.json()["version"] == 2
    refused = client.patch(row.one, row.change, If_Match=tag)
    assert (refused.status_code, refused.json()) == (412, FAILED)


@pytest.mark.parametrize("header", [STALE, f"W/{STALE}", '"1-0-00-gzip"', "", "nothing quoted"])
@pytest.mark.parametrize("action", ["change", "archive"])
def test_another_state_is_412_and_nothing_is_written(client, row, action, header):
    before = row.create(client)
    if_match = header.format(tag=before["ETag"])
    method, path, body = {
        "change": ("PATCH", row.one, {**row.change, "base_version": 1}),
        "archive": ("POST", f"{row.one}/archive", {}),
    }[action]
    response = client(method, path, body, If_Match=if_match)
    assert (response.status_code, response.json()) == (412, FAILED)
    assert client.get(row.one)["ETag"] == before["ETag"]


def test_a_stale_base_version_is_409_though_the_state_matches(client, row):
    tag = row.create(client)["ETag"]
    response = client.patch(row.one, {**row.change, "base_version": 7}, If_Match=tag)
    assert (response.status_code, response.json()) == (409, {"detail": "Version conflict: expected 1, got 7"})


def test_a_star_is_any_state(client, row):
    row.create(client)
    assert client.patch(row.one, row.change, If_Match="*").status_code == 200


def test_an_object_that_is_not_there_is_404_whatever_its_state_should_be(client, row):
    path = f"{row.many}/01890000-0000-7000-8000-000000000000"
    assert client.get(path, If_None_Match="*").status_code == 404
    assert client.patch(path, row.change, If_Match="*").status_code == 404


def test_what_comes_between_is_412_and_taken_back(client, row, clinic, monkeypatch):
    """Of a write without a version, as archiving is, which begins in the state that the header names."""
    tag = row.create(client)["ETag"]
    write = practice.ViewSet.written_response

    def after_another(view, written, status):
        view.model._base_manager.filter(pk=view.object_id).update(version=3)
        return write(view, written, status)

    monkeypatch.setattr(practice.ViewSet, "written_response", after_another)
    assert client.post(f"{row.one}/archive", If_Match=tag).status_code == 412
    assert client.get(row.one).json()["deleted_at"] is None


def test_a_name_that_is_shown_from_another_row_makes_another_tag_and_no_conflict(client, clinic):
    provider = clinic.row(Provider)
    path = f"{clinic.base}/patients"
    created = client.post(path, {"first_name": "Ada", "last_name": "Quist", "primary_provider_uuid": str(provider.uuid)})
    path, tag = f"{path}/{created.json()['id']}", created["ETag"]
    renamed = client.patch(f"{clinic.base}/providers/{provider.uuid}", {"name": "Dr. Renamed", "base_version": 1})
    assert renamed.status_code == 200
    assert client.get(path, If_None_Match=tag).status_code == 200
    assert client.patch(path, {"first_name": "Eve"}, If_Match=tag).status_code == 200


def test_what_follows_from_a_chart_entry_is_another_state_of_the_patient(client, clinic):
    patient = clinic.patient()
    path = f"{clinic.base}/patients/{patient.uuid}"
    tag = client.get(path)["ETag"]
    Patient.objects.filter(pk=patient.pk).update(updated_at=timezone.now())
    assert client.get(path, If_None_Match=tag).status_code == 200
    assert client.patch(path, {"first_name": "Eve"}, If_Match=tag).status_code == 412


@pytest.mark.parametrize("row", ["patient", "chart record"], indirect=True)
def test_a_replayed_response_has_the_tag_of_the_first(client, row):
    first, again = row.create(client, Idempotency_Key="k"), row.create(client, Idempotency_Key="k")
    assert again["Idempotent-Replayed"] == "true"
    assert again["ETag"] == first["ETag"]


def test_a_write_without_a_version_in_its_contract_takes_the_state_in_the_header(client, clinic):
    patient = clinic.patient()
    entry = clinic.entry(Allergy, patient)
    path = f"{clinic.base}/patients/{patient.uuid}/allergies/{entry.uuid}"
    assert client.post(f"{path}/archive", If_Match=client.get(path)["ETag"]).status_code == 200


def test_an_archived_object_has_a_state_too(client, clinic):
    path = f"{clinic.base}/patients/{clinic.patient().uuid}"
    archived = client.post(f"{path}/archive", If_Match=client.get(path)["ETag"])
    assert archived.status_code == 200
    assert client.post(f"{path}/restore", If_Match=STALE).status_code == 412
    assert client.post(f"{path}/restore", If_Match=archived["ETag"]).status_code == 200


def test_a_version_in_the_query_may_stand_in_the_header(client, clinic):
    path = f"{clinic.base}/patients/{clinic.patient().uuid}/referral-attributions"
    created = client.post(path, {"provider_uuid": str(clinic.row(Provider).uuid)})
    assert created.status_code == 201
    assert client.post(f"{path}/{created.json()['id']}/archive", If_Match=created["ETag"]).status_code == 200


def test_lists_have_no_tag(client, row):
    row.create(client)
    assert "ETag" not in client.get(row.many).headers


def test_tags_are_compared_whole():
    assert names_tag('"1-a-b"', '"1-a-b"')
    assert not names_tag('"11-a-b"', '"1-a-b"')
    assert names_state('"1-a-b"', "1-a")
    assert not names_state('"1-a"', "1-a")
