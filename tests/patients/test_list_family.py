"""The financial family: everyone who shares the guarantor."""

from tests.factories import archive


def ids(answer) -> list[str]:
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()]


def test_family_is_who_shares_the_guarantor_and_the_guarantor(api, clinic):
    parent = clinic.patient(last_name="A")
    child = clinic.patient(last_name="B", responsible_party_id=parent.pk)
    sibling = clinic.patient(last_name="C", responsible_party_id=parent.pk)
    clinic.patient(last_name="D")
    assert ids(api().get(f"{clinic.base}/patients/{child.uuid}/family")) == [str(parent.uuid), str(sibling.uuid)]
    assert ids(api().get(f"{clinic.base}/patients/{parent.uuid}/family")) == [str(child.uuid), str(sibling.uuid)]
    archive(sibling)
    assert ids(api().get(f"{clinic.base}/patients/{child.uuid}/family")) == [str(parent.uuid)]


def test_family_shows_only_whom_the_caller_may_see(api, clinic):
    parent = clinic.patient(care_group_id=clinic.other_group.pk)
    child = clinic.patient(responsible_party_id=parent.pk, care_group_id=clinic.group.pk)
    clinic.patient(responsible_party_id=parent.pk, care_group_id=clinic.other_group.pk)
    assert ids(api("HC_PRIMARY").get(f"{clinic.base}/patients/{child.uuid}/family")) == []


def test_patient_without_family_has_an_empty_list(api, clinic):
    assert ids(api().get(f"{clinic.base}/patients/{clinic.patient().uuid}/family")) == []
