"""Values that must be unique, claimed by several callers at once: one gets them."""

import threading
from collections import Counter

import pytest

from accounts.models import Role
from patients.models import AttributionRole, Patient, PatientTag, ReferralAttribution, TagDefinition
from tests.concurrency.threads import PATIENCE, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
CALLERS = 8
SPELLINGS = ("{0}", "{0}", "{1}", "{1}", "{2}", "{2}", "{0} ", "\u200b{0}")


def race(rounds: int, post) -> list[Counter]:
    """Let every caller do `post(caller, round)`, all at once in each round; return the statuses of each round."""
    gate = threading.Barrier(CALLERS)

    def call(caller: int) -> list[int]:
        statuses = []
        for number in range(rounds):
            gate.wait(PATIENCE)
            statuses.append(post(caller, number))
        return statuses

    per_caller = together(*[lambda caller=caller: call(caller) for caller in range(CALLERS)])
    return [Counter(statuses) for statuses in zip(*per_caller, strict=True)]


def spelled(caller: int, word: str) -> str:
    """Return `word` in one of the spellings that count as the same."""
    return SPELLINGS[caller].format(word, word.upper(), word.title())


def test_one_of_eight_callers_gets_a_chart_number(clinic, api):
    def post(caller: int, number: int) -> int:
        body = {"first_name": "Jennifer", "last_name": "Parker", "chart_number": spelled(caller, f"jp-{number}")}
        return api().post(f"{clinic.base}/patients", body).status_code

    rounds = race(40, post)

    assert rounds == [{201: 1, 409: CALLERS - 1}] * 40
    assert Patient.objects.filter(organization=clinic.organization).count() == 40


def test_one_of_eight_callers_in_two_organizations_gets_an_account_name(clinic, neighbour, api):
    def post(caller: int, number: int) -> int:
        home = (clinic, neighbour)[caller % 2]
        body = {
            "accountName": spelled(caller, f"jparker{number}"),
            "email": "jp@example.test",
            "firstName": "Jennifer",
            "lastName": "Parker",
            "sex": "female",
            "dateOfBirth": "1968-10-29",
            "organizationId": str(home.organization.uuid),
            "groupId": str(home.group.uuid),
            "programId": str(home.catalogs["program"].uuid),
            "protocolId": str(home.catalogs["protocol"].uuid),
            "timezone": "America/Los_Angeles",
            "language": "en",
        }
        return api(Role.HC_ADMIN, home).post("/v1/patients", body).status_code

    rounds = race(25, post)

    assert rounds == [{201: 1, 422: CALLERS - 1}] * 25
    assert Patient.objects.exclude(account_name=None).count() == 25


def test_a_chart_number_can_be_taken_by_changing_a_patient_too(clinic, api):
    patients = [clinic.patient() for _ in range(CALLERS)]

    def patch(caller: int, number: int) -> int:
        path = f"{clinic.base}/patients/{patients[caller].uuid}"
        version = api().get(path).json()["version"]
        return api().patch(path, {"base_version": version, "chart_number": spelled(caller, f"jp-{number}")}).status_code

    rounds = race(15, patch)

    assert rounds == [{200: 1, 409: CALLERS - 1}] * 15


def test_one_of_eight_callers_makes_the_primary_attribution_of_a_patient(clinic, api):
    """Half of them add one, half of them turn one that is there into it."""
    patients = [clinic.patient() for _ in range(40)]
    provider = {"provider_uuid": str(clinic.catalogs["provider"].uuid)}
    others = [[clinic.entry(ReferralAttribution, patient, attribution_role="assist") for _ in range(4)] for patient in patients]

    def post(caller: int, number: int) -> int:
        path = f"{clinic.base}/patients/{patients[number].uuid}/referral-attributions"
        if caller < 4:
            return api().post(path, provider).status_code
        change = {"base_version": 1, "attribution_role": "primary"}
        return api().patch(f"{path}/{others[number][caller - 4].uuid}", change).status_code

    rounds = race(40, post)

    assert [statuses[201] + statuses[200] for statuses in rounds] == [1] * 40
    assert [statuses[409] for statuses in rounds] == [CALLERS - 1] * 40
    primary = ReferralAttribution.objects.filter(attribution_role=AttributionRole.PRIMARY, deleted_at=None)
    assert Counter(primary.values_list("patient_id", flat=True)) == {patient.pk: 1 for patient in patients}


def test_one_of_eight_callers_puts_a_tag_on_a_patient(clinic, api):
    """The tag has been there and was taken off, so that one row of it stands already."""
    patients = [clinic.patient() for _ in range(40)]
    tag = {"tag_definition_uuid": str(clinic.row(TagDefinition).uuid)}

    def path(number: int) -> str:
        return f"{clinic.base}/patients/{patients[number].uuid}/tags"

    for number in range(40):
        api().post(f"{path(number)}/{api().post(path(number), tag).json()['id']}/archive")

    rounds = race(40, lambda caller, number: api().post(path(number), tag).status_code)

    assert rounds == [{201: 1, 409: CALLERS - 1}] * 40
    standing = PatientTag.objects.filter(deleted_at=None).values_list("patient_id", flat=True)
    assert Counter(standing) == {patient.pk: 1 for patient in patients}
