"""Referral attributions: one source each, which stays, and one primary a patient."""

from collections.abc import Callable
from itertools import combinations
from urllib.parse import urlencode

import pytest

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from accounts.services.catalogs import archive_catalog_row
from config.core.exceptions import UnknownReference
from patients.models import Patient, Provider, ReferralAttribution, ReferralPartner, ReferralSource
from patients.services.charts import create_entry
from tests.contracts.facts import table
from tests.factories import SYSTEM, archive

TABLE = table("practice")
SOURCES = {
    "referral_source": ReferralSource,
    "referral_partner": ReferralPartner,
    "provider": Provider,
    "referring_patient": Patient,
}
RANDOM = "01890000-0000-7000-8000-000000000000"
TAKEN = (409, {"detail": "This patient has a primary attribution already."})


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def path(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/referral-attributions"


@pytest.fixture
def row(clinic) -> Callable:
    """Return `row(source, home)`: a row of the clinic, or of `home`, that may be a source."""
    return lambda source, home=clinic: home.patient() if source == "referring_patient" else home.row(SOURCES[source])


@pytest.fixture
def body(row) -> Callable[..., dict]:
    """Return `body(*sources, …)`, which names a row for each of `sources`."""
    return lambda *sources, **values: {f"{source}_uuid": str(row(source).uuid) for source in sources} | values


@pytest.fixture
def attribute(api, path, body) -> Callable[..., dict]:
    """Return a function that records an attribution to the provider and returns the answer's object."""

    def post(**values) -> dict:
        answer = api().post(path, body("provider", **values))
        assert answer.status_code == 201, answer.content
        return answer.json()

    return post


def places(answer) -> list:
    assert answer.status_code == 422, answer.content
    return [problem["loc"] for problem in answer.json()["detail"]]


def refusal(answer) -> tuple[int, dict]:
    return answer.status_code, answer.json()


def affected_patients(action: str) -> set[int]:
    """Return the patients of the last event of `action`."""
    event = AuditEvent.objects.filter(action=f"referral_attribution.{action}", outcome="ok").latest("id")
    return set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True))


# --- the source -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_may_bring_a_patient(api, path, row, patient, source):
    found = row(source)
    sent = {f"{source}_uuid": str(found.uuid), "attribution_role": "assist", "source_note": " Heard it\non the radio "}
    answer = api(Role.HC_SECONDARY if source != "referring_patient" else Role.HC_ADMIN).post(path, sent)
    shown = answer.json()
    assert answer.status_code == 201, answer.content
    assert list(TABLE.faults("ReferralAttribution", shown)) == []
    name = found.full_name if isinstance(found, Patient) else found.name
    assert {name: shown[name] for name in SOURCES} == dict.fromkeys(SOURCES) | {source: {"uuid": str(found.uuid), "name": name}}
    assert (shown["attribution_role"], shown["source_note"], shown["version"]) == ("assist", " Heard it\non the radio ", 1)
    assert shown["patient"] == {"uuid": str(patient.uuid), "name": patient.full_name}
    assert OutboxEvent.objects.filter(type="referral_attribution.created", subject_uuid=shown["id"]).count() == 1


def test_the_fields_of_the_bodies_are_those_of_the_document():
    sources = {f"{source}_uuid" for source in SOURCES}
    assert TABLE.schemas["NewReferralAttribution"].keys() == {"attribution_role", "source_note", *sources}
    assert TABLE.schemas["ChangedReferralAttribution"].keys() == {"attribution_role", "source_note", "base_version"}


def test_no_source_is_one_too_few(api, path):
    nulls = {f"{source}_uuid": None for source in SOURCES}
    for sent in ({}, {"attribution_role": "assist", "source_note": "x"}, nulls):
        answer = api().post(path, sent)
        assert places(answer) == [["body"]]
        assert answer.json()["detail"][0]["msg"] == (
            "Exactly one of referral_source_uuid, referral_partner_uuid, provider_uuid, referring_patient_uuid must be given."
        )
    assert not ReferralAttribution.objects.exists()


@pytest.mark.parametrize("sources", [*combinations(SOURCES, 2), tuple(SOURCES)])
def test_two_sources_are_one_too_many(api, path, body, sources):
    assert places(api().post(path, body(*sources))) == [["body"]]
    assert not ReferralAttribution.objects.exists()


def test_null_is_no_source_beside_one(api, path, body):
    sent = {f"{source}_uuid": None for source in SOURCES} | body("referral_partner")
    assert api().post(path, sent).status_code == 201


def test_two_sources_are_refused_before_either_is_looked_for(api, path):
    assert places(api().post(path, {"provider_uuid": RANDOM, "referral_source_uuid": RANDOM})) == [["body"]]


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_one_of_the_organization_and_not_archived(clinic, neighbour, api, path, row, source):
    gone = row(source)
    if source == "referring_patient":
        archive(gone)
    else:
        archive_catalog_row(actor=SYSTEM, row=gone, base_version=1)
    unknown = api().post(path, {f"{source}_uuid": RANDOM})
    assert refusal(unknown) == (404, {"detail": f"{SOURCES[source]._meta.verbose_name.capitalize()} not found"})
    for uuid in (gone.uuid, row(source, neighbour).uuid):
        answers = [api(role).post(path, {f"{source}_uuid": str(uuid)}) for role in (Role.HC_ADMIN, Role.FC_ADMIN)]
        assert [answer.content for answer in answers] == [unknown.content] * 2
        assert [answer.status_code for answer in answers] == [404, 404]
    assert not ReferralAttribution.objects.exists()


def test_a_patient_whom_a_caregiver_does_not_see_refers_nobody_for_them(clinic, api, path):
    hidden, seen = (clinic.patient(care_group_id=group.pk) for group in (clinic.other_group, clinic.group))
    sent = {patient: {"referring_patient_uuid": str(patient.uuid), "attribution_role": "assist"} for patient in (hidden, seen)}
    assert refusal(api(Role.HC_PRIMARY).post(path, sent[hidden])) == (404, {"detail": "Patient not found"})
    assert api(Role.HC_PRIMARY).post(path, sent[seen]).status_code == 201
    assert api().post(path, sent[hidden]).status_code == 201
    names = [row["referring_patient"]["name"] for row in api(Role.HC_PRIMARY).get(path).json()["items"]]
    assert names == [None, seen.full_name], "the name is told to who sees the patient"


def test_who_is_archived_while_they_are_looked_for_is_unknown_too(clinic, patient):
    gone = archive(clinic.patient())
    with pytest.raises(UnknownReference) as refused:
        create_entry(actor=SYSTEM, model=ReferralAttribution, patient_id=patient.pk, referring_patient_id=gone.pk)
    assert (refused.value.field, refused.value.message) == ("referring_patient", "Patient not found")


def test_nobody_refers_themselves(api, path, patient):
    assert places(api().post(path, {"referring_patient_uuid": str(patient.uuid)})) == [["body", "referring_patient_uuid"]]
    assert not ReferralAttribution.objects.exists()


def test_who_referred_a_patient_is_in_the_audit_trail(clinic, api, path, patient):
    referring = clinic.patient()
    made = api().post(path, {"referring_patient_uuid": str(referring.uuid)}).json()
    api().get(path)
    api().get(f"{path}/{made['id']}")
    assert [affected_patients(action) for action in ("create", "search", "read")] == [{patient.pk, referring.pk}] * 3
    assert AuditEvent.objects.get(action="referral_attribution.create", outcome="ok").changed_fields == "referring_patient_id"


# --- the role ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("silence", [{}, {"attribution_role": None}])
def test_an_attribution_without_a_role_is_the_primary_one(attribute, silence):
    assert attribute(**silence)["attribution_role"] == "primary"


def test_a_second_primary_is_a_conflict(clinic, api, path, body, attribute):
    first = attribute()
    for sent in (body("referral_source"), body("provider", attribution_role="primary")):
        assert refusal(api().post(path, sent)) == TAKEN
    others = [attribute(attribution_role=role) for role in ("secondary", "secondary", "assist", "assist")]
    assert api().get(path).json()["items"] == [*reversed(others), first]
    somebody = f"{clinic.base}/patients/{clinic.patient().uuid}/referral-attributions"
    assert api().post(somebody, body("provider")).status_code == 201, "one primary a patient, not one in all"


def test_a_second_primary_by_a_correction_is_a_conflict(api, path, attribute):
    first, second = attribute(), attribute(attribution_role="assist")
    primary = {"base_version": 1, "attribution_role": "primary"}
    assert refusal(api().patch(f"{path}/{second['id']}", primary)) == TAKEN
    assert api().get(path).json()["items"] == [second, first], "nothing was written"
    assert api().patch(f"{path}/{first['id']}", {**primary, "source_note": "x"}).status_code == 200, "it is the primary one"
    assert api().patch(f"{path}/{first['id']}", {"base_version": 2, "attribution_role": "secondary"}).status_code == 200
    assert api().patch(f"{path}/{second['id']}", primary).json()["attribution_role"] == "primary"


def test_an_archived_primary_leaves_its_place(api, path, attribute):
    first, second = attribute(), attribute(attribution_role="secondary")
    assert api().post(f"{path}/{first['id']}/archive?base_version=1").status_code == 200
    assert api().patch(f"{path}/{second['id']}", {"base_version": 1, "attribution_role": "primary"}).status_code == 200
    assert api().get(f"{path}/{first['id']}").json()["attribution_role"] == "primary"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attribution_role", ""),
        ("attribution_role", "Primary"),
        ("attribution_role", "first"),
        ("attribution_role", 1),
        ("source_note", 5),
        ("source_note", {}),
    ],
)
def test_values_that_make_no_sense_are_named(api, path, body, attribute, field, value):
    assert places(api().post(path, body("provider", **{field: value}))) == [["body", field]]
    made = attribute()
    assert places(api().patch(f"{path}/{made['id']}", {"base_version": 1, field: value})) == [["body", field]]
    assert ReferralAttribution.objects.get().version == 1


# --- correcting -------------------------------------------------------------------------------------


def test_an_attribution_is_corrected_by_version(api, path, attribute, patient):
    made = attribute(source_note="x")
    one, changes = f"{path}/{made['id']}", {"attribution_role": "assist", "source_note": None}
    answer = api().patch(one, {"base_version": 1, **changes})
    assert answer.status_code == 200, answer.content
    assert answer.json() == {**made, **changes, "version": 2, "updated_at": answer.json()["updated_at"]}
    assert list(TABLE.faults("ReferralAttribution", answer.json())) == []
    assert refusal(api().patch(one, {"base_version": 1})) == (409, {"detail": "Version conflict: expected 2, got 1"})
    assert places(api().patch(one, changes)) == [["body", "base_version"]]
    assert (
        affected_patients("update"),
        AuditEvent.objects.get(action="referral_attribution.update", outcome="ok").changed_fields,
    ) == (
        {patient.pk},
        "attribution_role,source_note",
    )
    assert OutboxEvent.objects.filter(type="referral_attribution.updated", subject_uuid=made["id"]).count() == 1


@pytest.mark.parametrize("source", SOURCES)
def test_the_source_stays(api, path, row, attribute, source):
    one = f"{path}/{attribute()['id']}"
    for value in (str(row(source).uuid), RANDOM, None, "nonsense"):
        answer = api().patch(one, {"base_version": 1, f"{source}_uuid": value})
        assert places(answer) == [["body", f"{source}_uuid"]]
        assert answer.json()["detail"][0]["type"] == "frozen_field"
    assert ReferralAttribution.objects.get().version == 1


def test_a_source_is_refused_together_with_all_else_that_is_wrong(api, path, attribute):
    sent = {"attribution_role": "first", "provider_uuid": RANDOM, "referral_source_uuid": RANDOM}
    found = places(api().patch(f"{path}/{attribute()['id']}", sent))
    assert sorted(found) == [["body", name] for name in sorted([*sent, "base_version"])]


def test_other_fields_that_are_not_corrected_change_nothing(api, path, attribute):
    made = attribute()
    sent = {"base_version": 1, "attributed_at": "2001-01-01T00:00:00Z", "provider": {"uuid": RANDOM}, "version": 9, "id": RANDOM}
    assert api().patch(f"{path}/{made['id']}", sent).json() == made


# --- archiving --------------------------------------------------------------------------------------


def test_an_attribution_is_archived_by_version(api, path, attribute):
    made = attribute()
    one = f"{path}/{made['id']}"
    answer = api().post(f"{one}/archive?base_version=1", raw=b"")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {**made, "version": 2, "updated_at": answer.json()["updated_at"]}
    assert list(TABLE.faults("ReferralAttribution", answer.json())) == []
    assert api().get(path).json()["total"] == 0
    assert api().get(one).json() == answer.json()
    again = api().post(f"{one}/archive?base_version=2")
    assert refusal(again) == (404, {"detail": "Referral attribution not found"})
    assert OutboxEvent.objects.filter(type="referral_attribution.archived", subject_uuid=made["id"]).count() == 1


@pytest.mark.parametrize("version", [2, 10**18, 10**30, 10**199])
def test_a_stale_or_future_version_archives_nothing(api, path, attribute, version):
    answer = api().post(f"{path}/{attribute()['id']}/archive?base_version={version}")
    assert refusal(answer) == (409, {"detail": f"Version conflict: expected 1, got {version}"})
    assert ReferralAttribution.objects.get().deleted_at is None


VERSIONS = (
    "",
    " ",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e100",
    "1_0",
    "0x1",
    "١",
    "１",
    " 1",
    "1 ",
    "1\n",
    "\x00",
    "nope",
    "null",
    "true",
    "[]",
    "1" * 201,
    "1" * 5000,
    ["1", "1"],
)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: repr(version)[:12])
def test_a_version_in_the_query_is_given_once_in_plain_digits(api, path, attribute, version):
    query = urlencode({"base_version": version}, doseq=True)
    assert places(api().post(f"{path}/{attribute()['id']}/archive?{query}")) == [["query", "base_version"]]
    assert ReferralAttribution.objects.get().deleted_at is None


def test_the_version_is_asked_for_in_the_query_and_nowhere_else(api, path, attribute):
    made = attribute()
    answer = api().post(f"{path}/{made['id']}/archive", {"base_version": 1})
    assert places(answer) == [["query", "base_version"]]
    assert answer.json()["detail"][0]["type"] == "missing"
    assert ReferralAttribution.objects.get().deleted_at is None
    assert api().post(f"{path}/{made['id']}/archive?base_version=01", {"base_version": 7}).status_code == 200


def test_who_may_not_archive_is_told_so_before_the_version_is_read(api, path, attribute):
    made = attribute()
    assert api(Role.HC_VIEW_ALL).post(f"{path}/{made['id']}/archive").status_code == 403
    assert api().post(f"{path}/{RANDOM}/archive").status_code == 404


# --- whose it is ------------------------------------------------------------------------------------


def test_an_attribution_of_another_patient_is_unknown(clinic, api, path):
    made = clinic.entry(ReferralAttribution, clinic.patient())
    one = f"{path}/{made.uuid}"
    answers = [
        api().get(one),
        api().patch(one, {"base_version": 1, "source_note": "x"}),
        api().post(f"{one}/archive?base_version=1"),
    ]
    assert [refusal(answer) for answer in answers] == [(404, {"detail": "Referral attribution not found"})] * 3
    assert ReferralAttribution.objects.get().version == 1


def test_a_list_is_paged_with_the_last_recorded_first(api, path, attribute):
    made = [attribute(attribution_role=role) for role in ("assist", "primary", "assist")][::-1]
    page = api().get(path).json()
    assert list(TABLE.faults("ReferralAttributionPage", page)) == []
    assert page == {"items": made, "page": 1, "page_size": 50, "total": 3}
    assert api().get(path, {"page": 2, "page_size": 2}).json()["items"] == made[2:]


def test_patients_do_not_read_what_staff_write_about_how_they_came(clinic, api):
    own = f"{clinic.base}/patients/{clinic.own_patient.uuid}/referral-attributions"
    made = clinic.entry(ReferralAttribution, clinic.own_patient)
    for address in (own, f"{own}/{made.uuid}"):
        assert api(Role.PATIENT).get(address).status_code == 403
        assert api(Role.HC_VIEW_ALL).get(address).status_code == 200
