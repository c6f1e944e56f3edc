"""What the histories keep of a patient: each change once, in the words of the new value, with who made it."""

import pytest

from accounts.models import Role
from patients.models import PatientMutation, SettingChange


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk, timezone="Europe/Amsterdam", receives_sms=False)


def mutations(patient) -> list[tuple]:
    return list(PatientMutation.objects.filter(patient=patient).values_list("type", "name", "created_by"))


def settings(patient) -> list[tuple]:
    return list(SettingChange.objects.filter(patient=patient).values_list("key", "value", "created_by"))


def test_a_patient_who_is_made_has_no_history_but_an_enrolment_is_one(clinic):
    assert mutations(clinic.patient(care_group_id=clinic.group.pk)) == []
    enrolled = mutations(clinic.enrolled())
    assert enrolled == [("program", clinic.catalogs["program"].name, None), ("protocol", clinic.catalogs["protocol"].name, None)]


def test_a_change_of_group_is_a_mutation(clinic, api, patient):
    path = f"{clinic.base}/patients/{patient.uuid}"
    admin = clinic.users[Role.HC_ADMIN].pk
    assert api().patch(path, {"base_version": 1, "care_group_uuid": str(clinic.other_group.uuid)}).status_code == 200
    assert api().patch(path, {"base_version": 2, "care_group_uuid": None, "city": "Riga"}).status_code == 200
    assert mutations(patient) == [("group", clinic.other_group.name, admin), ("group", None, admin)]


def test_a_change_of_status_is_a_mutation_whichever_way_it_comes(clinic, api, patient):
    path = f"{clinic.base}/patients/{patient.uuid}"
    admin = clinic.users[Role.HC_ADMIN].pk
    api().post(f"{path}/transition-status", {"base_version": 1, "new_status": "inactive"})
    api().post(f"{path}/archive")
    api().post(f"{path}/restore")
    api().post(f"{path}/transition-status", {"base_version": 4, "new_status": "active"})
    assert mutations(patient) == [("status", word, admin) for word in ("inactive", "archived", "inactive", "active")]


def test_changes_of_settings_are_kept_as_text(clinic, api, patient):
    path = f"{clinic.base}/patients/{patient.uuid}"
    admin = clinic.users[Role.HC_ADMIN].pk
    body = {"base_version": 1, "receives_sms": True, "receives_email": False, "preferred_contact_method": "text"}
    assert api().patch(path, body).status_code == 200
    assert sorted(settings(patient)) == [("preferred_contact_method", "text", admin), ("receives_sms", "true", admin)]
    api().patch(path, {"base_version": 2, "preferred_contact_method": None})
    assert settings(patient)[-1] == ("preferred_contact_method", None, admin)


def test_what_is_sent_and_does_not_change_is_no_history(clinic, api, patient):
    body = {"base_version": 1, "care_group_uuid": str(clinic.group.uuid), "receives_sms": False, "first_name": "New"}
    assert api().patch(f"{clinic.base}/patients/{patient.uuid}", body).status_code == 200
    assert (mutations(patient), settings(patient)) == ([], [])


def test_an_import_of_many_keeps_the_history_of_each(clinic, api):
    patients = [clinic.patient(receives_sms=False) for _ in range(3)]
    rows = [{"uuid": str(one.uuid), "base_version": 1, "receives_sms": True} for one in patients]
    answer = api().post(f"{clinic.base}/patients/bulk", {"meta": {"mode": "update", "match_on": "uuid"}, "rows": rows})
    assert answer.json()["updated"] == 3, answer.content
    assert [settings(one) for one in patients] == [[("receives_sms", "true", clinic.users[Role.HC_ADMIN].pk)]] * 3


def test_a_refused_change_leaves_no_history(clinic, api, patient):
    path = f"{clinic.base}/patients/{patient.uuid}"
    assert api().patch(path, {"base_version": 9, "receives_sms": True}).status_code == 409
    assert api().post(f"{path}/transition-status", {"base_version": 1, "new_status": "prospective"}).status_code == 422
    assert (mutations(patient), settings(patient)) == ([], [])
