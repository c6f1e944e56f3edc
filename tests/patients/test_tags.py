"""Tags of patients: put on once, taken off, put on again, and found by."""

import pytest

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role, User
from accounts.services.catalogs import archive_catalog_row
from patients.models import Patient, PatientTag, TagDefinition
from tests.contracts.facts import table
from tests.factories import SYSTEM, archive

TABLE = table("practice")
RANDOM = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def path(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/tags"


@pytest.fixture
def definition(clinic) -> TagDefinition:
    return clinic.row(TagDefinition)


@pytest.fixture
def body(definition) -> dict:
    return {"tag_definition_uuid": str(definition.uuid)}


def refusal(answer) -> tuple[int, dict]:
    return answer.status_code, answer.json()


def test_a_tag_is_put_on_a_patient_by_somebody(clinic, api, path, body, patient, definition):
    user = clinic.users[Role.HC_PRIMARY]
    User.objects.filter(pk=user.pk).update(first_name="Ada", middle_name="de", last_name="Wit")
    answer = api(Role.HC_PRIMARY).post(path, body)
    shown = answer.json()
    assert answer.status_code == 201, answer.content
    assert list(TABLE.faults("Tag", shown)) == []
    assert shown == {
        "id": shown["id"],
        "patient": {"uuid": str(patient.uuid), "name": patient.full_name},
        "tag_definition": {"uuid": str(definition.uuid), "name": definition.name},
        "assigned_by": {"uuid": str(user.uuid), "name": "Ada de Wit"},
        "created_at": shown["created_at"],
        "deleted_at": None,
    }
    assert api(Role.HC_VIEW_ALL).get(f"{path}/{shown['id']}").json() == shown
    assert api(Role.HC_VIEW_ALL).get(path).json() == {"items": [shown], "page": 1, "page_size": 50, "total": 1}
    assert list(TABLE.faults("TagPage", api().get(path).json())) == []
    assert OutboxEvent.objects.filter(type="tag.created", subject_uuid=shown["id"]).count() == 1


def test_who_is_not_of_the_organization_has_no_name_to_its_people(clinic, api, path, body):
    shown = api(Role.FC_ADMIN).post(path, body).json()
    superadmin = clinic.users[Role.FC_ADMIN]
    assert shown["assigned_by"] == {"uuid": str(superadmin.uuid), "name": superadmin.email}
    assert api().get(path).json()["items"][0]["assigned_by"] == {"uuid": str(superadmin.uuid), "name": None}


def test_a_tag_that_nobody_is_known_to_have_put_on_has_no_author(clinic, api, path, patient):
    clinic.entry(PatientTag, patient)
    assert api().get(path).json()["items"][0]["assigned_by"] is None


def test_a_tag_is_put_on_once(clinic, api, path, body, definition):
    first = api().post(path, body).json()
    assert refusal(api(Role.HC_PRIMARY).post(path, body)) == (409, {"detail": "The patient has this tag already."})
    assert api().get(path).json()["items"] == [first]
    somebody = f"{clinic.base}/patients/{clinic.patient().uuid}/tags"
    assert api().post(somebody, body).status_code == 201, "once a patient, not once in all"
    another = clinic.catalog(TagDefinition, definition.name)
    assert api().post(path, {"tag_definition_uuid": str(another.uuid)}).status_code == 201
    assert api().get(path).json()["items"][0] == first, "oldest first"


def test_a_tag_is_taken_off_and_put_on_again(api, path, body, patient):
    first = api().post(path, body).json()
    one = f"{path}/{first['id']}"
    answer = api(Role.HC_SECONDARY).post(f"{one}/archive", raw=b"")
    assert answer.status_code == 200, answer.content
    assert answer.json()["deleted_at"] is not None
    assert {**answer.json(), "deleted_at": None} == first
    assert api().get(path).json()["items"] == []
    assert api().get(one).json() == answer.json(), "it still answers"
    assert refusal(api().post(f"{one}/archive")) == (404, {"detail": "Tag not found"})
    second = api().post(path, body)
    assert second.status_code == 201
    assert api().get(path).json()["items"] == [second.json()]
    assert second.json()["id"] != first["id"]
    stored = PatientTag.objects.get(uuid=first["id"])
    assert stored.updated_at > stored.created_at
    assert OutboxEvent.objects.filter(type="tag.archived", subject_uuid=first["id"]).count() == 1
    event = AuditEvent.objects.get(action="tag.archive", outcome="ok")
    assert AuditedPatient.objects.get(event=event).patient_id == patient.pk
    assert event.changed_fields == "deleted_at"


def test_a_tag_is_put_on_or_taken_off_and_nothing_else(api, path, body):
    one = f"{path}/{api().post(path, body).json()['id']}"
    for method in ("PATCH", "PUT", "DELETE"):
        answer = api()(method, one, {})
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_a_definition_is_one_of_the_organization_and_not_archived(clinic, neighbour, api, path, definition):
    gone = clinic.catalog(TagDefinition, "Gone")
    archive_catalog_row(actor=SYSTEM, row=gone, base_version=1)
    unknown = api().post(path, {"tag_definition_uuid": RANDOM})
    assert refusal(unknown) == (404, {"detail": f"{TagDefinition._meta.verbose_name.capitalize()} not found"})
    for role, row in ((Role.HC_ADMIN, gone), (Role.HC_ADMIN, neighbour.row(TagDefinition)), (Role.FC_ADMIN, gone)):
        answer = api(role).post(path, {"tag_definition_uuid": str(row.uuid)})
        assert (answer.status_code, answer.content) == (404, unknown.content)
    assert not PatientTag.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"tag_definition_uuid": None}, {"tag_definition_uuid": "x"}, {"tag_definition_uuid": 1}])
def test_a_body_without_a_definition_is_refused(api, path, sent):
    answer = api().post(path, sent)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", "tag_definition_uuid"]]


def test_a_definition_that_is_archived_stays_on_who_has_it(clinic, api, path, body, definition):
    api().post(path, body)
    archive_catalog_row(actor=SYSTEM, row=definition, base_version=1)
    assert api().get(path).json()["items"][0]["tag_definition"] == {"uuid": str(definition.uuid), "name": definition.name}


def test_what_a_body_says_beside_the_definition_changes_nothing(clinic, api, path, body):
    other = clinic.users[Role.HC_VIEW_ALL]
    more = {
        "id": RANDOM,
        "assigned_by": {"uuid": str(other.uuid)},
        "assigned_by_uuid": str(other.uuid),
        "assigned_by_id": other.pk,
        "created_at": "2001-01-01T00:00:00Z",
        "deleted_at": "2001-01-01T00:00:00Z",
        "patient_id": clinic.patient().pk,
    }
    shown = api().post(path, {**body, **more}).json()
    assert shown["assigned_by"]["uuid"] == str(clinic.users[Role.HC_ADMIN].uuid)
    assert shown["deleted_at"] is None
    assert shown["created_at"] > "2020"
    assert shown["id"] != RANDOM
    assert api().get(path).json()["total"] == 1


def test_a_tag_of_another_patient_is_unknown(clinic, api, path):
    made = clinic.entry(PatientTag, clinic.patient())
    for answer in (api().get(f"{path}/{made.uuid}"), api().post(f"{path}/{made.uuid}/archive")):
        assert refusal(answer) == (404, {"detail": "Tag not found"})
    assert PatientTag.objects.get().deleted_at is None


def test_the_tags_of_an_archived_patient_are_read_and_stay(api, path, body, patient):
    made = api().post(path, body).json()
    archive(patient)
    assert api().get(path).json()["items"] == [made]
    for answer in (api().post(path, body), api().post(f"{path}/{made['id']}/archive")):
        assert refusal(answer) == (404, {"detail": "Patient not found"})
    assert PatientTag.objects.get().deleted_at is None


def test_patients_do_not_read_what_staff_tag_them_with(clinic, api):
    own = f"{clinic.base}/patients/{clinic.own_patient.uuid}/tags"
    made = clinic.entry(PatientTag, clinic.own_patient)
    for address in (own, f"{own}/{made.uuid}"):
        assert api(Role.PATIENT).get(address).status_code == 403
    assert api(Role.PATIENT).post(f"{own}/{made.uuid}/archive").status_code == 403


def test_patients_are_found_by_the_tags_that_are_on_them_now(clinic, api, path, body, patient, definition):
    def found() -> list[str]:
        page = api(Role.HC_PRIMARY).get(f"{clinic.base}/patients", {"tag_definition_uuid": str(definition.uuid)}).json()
        return [item["id"] for item in page["items"]]

    assert found() == []
    made = api().post(path, body).json()
    assert found() == [str(patient.uuid)]
    api().post(f"{path}/{made['id']}/archive")
    assert found() == []
    api().post(path, body)
    assert found() == [str(patient.uuid)], "once, though two rows were made"
