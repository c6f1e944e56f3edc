"""Communication logs: written down by staff, found by time, words and text, and never changed."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from accounts.models import AuditedPatient, AuditEvent, Organization, OutboxEvent, Role, User
from accounts.services.catalogs import archive_catalog_row
from clinical.models import CommunicationLog, CommunicationType
from tests.contracts.facts import table
from tests.factories import NOON, SYSTEM

MICROSECOND, HOUR = datetime.timedelta(microseconds=1), datetime.timedelta(hours=1)


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def logs(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/communication-logs"


def found(api, logs: str, **query: str) -> list[str]:
    """Return the notes that the list shows, in its order; its total must be their number."""
    answer = api().get(logs, {"sort_dir": "asc", **query})
    assert answer.status_code == 200, answer.content
    notes = [item["note"] for item in answer.json()["items"]]
    assert answer.json()["total"] == len(notes)
    return notes


def events(action: str) -> list[set[int]]:
    """Return the patients of each event of `action`."""
    seen = AuditEvent.objects.filter(action=action, outcome="ok").order_by("id")
    return [set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) for event in seen]


# --- written ----------------------------------------------------------------------------------------


def test_a_contact_is_written_down_with_all_it_names(clinic, api, patient, logs):
    kind, appointment = clinic.row(CommunicationType), clinic.appointment(patient)
    body = {
        "communication_datetime": "2026-03-04T09:00:00+01:00",
        "communication_type_uuid": str(kind.uuid),
        "mode": "in_person",
        "direction": "received",
        "appointment_uuid": str(appointment.uuid),
        "note": "  Asked for a copy\n",
    }
    answer = api(Role.HC_PRIMARY).post(logs, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert list(table("practice").faults("CommunicationLog", shown)) == []
    assert shown["communication_datetime"] == "2026-03-04T08:00:00Z"
    assert shown["communication_type"] == {"uuid": str(kind.uuid), "name": kind.name}
    assert shown["appointment"] == {"uuid": str(appointment.uuid), "name": None}
    assert [shown[name] for name in ("mode", "direction", "note")] == ["in_person", "received", "  Asked for a copy\n"]
    assert shown["communication_source"] == "user"
    assert events("communication_log.create") == [{patient.pk}]
    assert str(OutboxEvent.objects.get(type="communication_log.created").subject_uuid) == shown["id"]


@pytest.mark.parametrize("silent", [False, True])
def test_a_moment_is_enough(api, logs, silent):
    optional = ("communication_type_uuid", "mode", "direction", "appointment_uuid", "note")
    body = {"communication_datetime": "2026-03-04T09:00:00Z", **({} if silent else dict.fromkeys(optional))}
    answer = api().post(logs, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert [shown[name.removesuffix("_uuid")] for name in optional] == [None] * 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("communication_datetime", None),
        ("communication_datetime", "2026-03-04"),
        ("communication_datetime", ""),
        ("communication_datetime", "2026-03-04T09:00:00"),
        ("mode", "pigeon"),
        ("mode", " "),
        ("mode", "Phone"),
        ("direction", "both"),
        ("direction", ""),
        ("note", 1),
        ("appointment_uuid", "x"),
        ("communication_type_uuid", 1),
    ],
)
def test_values_that_make_no_sense_are_named(api, logs, field, value):
    answer = api().post(logs, {"communication_datetime": "2026-03-04T09:00:00Z", field: value})
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["body", field]])
    assert not CommunicationLog.objects.exists()


def test_who_wrote_and_when_and_from_where_is_not_for_the_body_to_say(clinic, api, patient, logs):
    other = clinic.users[Role.HC_PRIMARY]
    said = {
        "communication_datetime": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
        "id": str(other.uuid),
        "updated_at": "2020-01-01T00:00:00Z",
        "created_by": {"uuid": str(other.uuid)},
        "created_by_uuid": str(other.uuid),
        "communication_source": "integration",
        "organization": 1,
        "patient": {"uuid": str(clinic.patient().uuid)},
    }
    before = datetime.datetime.now(datetime.UTC) - HOUR
    shown = api().post(logs, said).json()
    assert shown["communication_datetime"] == said["communication_datetime"], "a contact may be written down years after it"
    assert datetime.datetime.fromisoformat(shown["created_at"]) > before
    assert shown["created_by"]["uuid"] == str(clinic.users[Role.HC_ADMIN].uuid)
    assert (shown["communication_source"], shown["patient"]["uuid"]) == ("user", str(patient.uuid))
    assert shown["id"] != said["id"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"first_name": "Ada", "middle_name": "King", "last_name": "Lovelace"}, "Ada King Lovelace"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace"),
        ({"last_name": "Lovelace"}, "Lovelace"),
        ({}, None),
    ],
)
def test_the_author_is_called_by_name_or_else_by_e_mail(clinic, api, logs, names, expected):
    author = clinic.users[Role.HC_PRIMARY]
    User.objects.filter(pk=author.pk).update(**names)
    shown = api(Role.HC_PRIMARY).post(logs, {"communication_datetime": "2026-03-04T09:00:00Z"}).json()
    assert shown["created_by"] == {"uuid": str(author.uuid), "name": expected or author.email}
    assert api().get(f"{logs}/{shown['id']}").json() == shown


def test_an_author_out_of_sight_has_no_name(clinic, api, logs):
    """A superadmin belongs to no organization: its people see that somebody wrote, and not who."""
    shown = api(Role.FC_ADMIN).post(logs, {"communication_datetime": "2026-03-04T09:00:00Z"}).json()
    author = clinic.users[Role.FC_ADMIN]
    assert shown["created_by"] == {"uuid": str(author.uuid), "name": author.email}
    for role in (Role.HC_ADMIN, Role.HC_VIEW_ALL, Role.HC_PRIMARY):
        assert api(role).get(f"{logs}/{shown['id']}").json()["created_by"] == {"uuid": str(author.uuid), "name": None}


def test_the_appointment_is_one_of_the_same_patient(clinic, neighbour, api, patient, logs):
    gone = clinic.appointment(patient)
    type(gone).objects.filter(pk=gone.pk).update(deleted_at=NOON)
    others = [clinic.appointment(clinic.patient()), neighbour.appointment(neighbour.patient()), gone, neighbour.group]
    for other in others:
        body = {"communication_datetime": "2026-03-04T09:00:00Z", "appointment_uuid": str(other.uuid)}
        answer = api().post(logs, body)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Appointment not found"})
    assert not CommunicationLog.objects.exists()


def test_an_archived_type_is_unknown(clinic, api, logs):
    kind = clinic.row(CommunicationType)
    archive_catalog_row(actor=SYSTEM, row=kind, base_version=1)
    body = {"communication_datetime": "2026-03-04T09:00:00Z", "communication_type_uuid": str(kind.uuid)}
    answer = api().post(logs, body)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Communication type not found"})


# --- listed -----------------------------------------------------------------------------------------


def test_the_list_is_by_time_and_then_by_arrival_the_newest_first(clinic, api, patient, logs):
    moments = [("c", NOON), ("a", NOON - HOUR), ("d", NOON), ("e", NOON + MICROSECOND), ("b", NOON - MICROSECOND)]
    for note, moment in moments:
        clinic.entry(CommunicationLog, patient, note=note, communication_datetime=moment)
    assert found(api, logs) == ["a", "b", "c", "d", "e"]
    pages = [api().get(logs, {"page_size": "2", "page": page}).json()["items"] for page in "123"]
    assert [[item["note"] for item in page] for page in pages] == [["e", "d"], ["c", "b"], ["a"]]


@pytest.mark.parametrize("moment", [NOON, NOON + 123456 * MICROSECOND, NOON + 500000 * MICROSECOND])
def test_both_ends_of_a_range_belong_to_it(clinic, api, patient, logs, moment):
    for note, at in (("before", moment - MICROSECOND), ("at", moment), ("after", moment + MICROSECOND)):
        clinic.entry(CommunicationLog, patient, note=note, communication_datetime=at)
    elsewhere = moment.astimezone(datetime.timezone(5.75 * HOUR)).isoformat()
    for said in (moment.isoformat(), moment.isoformat().replace("+00:00", "Z"), elsewhere):
        assert found(api, logs, date_from=said) == ["at", "after"]
        assert found(api, logs, date_to=said) == ["before", "at"]
        assert found(api, logs, date_from=said, date_to=said) == ["at"]
    assert found(api, logs, date_from=(moment + HOUR).isoformat(), date_to=(moment - HOUR).isoformat()) == []


@pytest.mark.parametrize("role", [Role.HC_ADMIN, Role.FC_ADMIN])
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("America/New_York", "2026-03-08", 23), ("America/New_York", "2026-11-01", 25), ("Asia/Kathmandu", "2026-03-08", 24)],
)
def test_a_day_of_the_organization_is_meant_where_no_time_is_given(clinic, api, patient, logs, role, zone, day, hours):
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone=zone)
    begin = datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(), ZoneInfo(zone)).astimezone(datetime.UTC)
    end = begin + hours * HOUR
    for note, at in (("a", begin - MICROSECOND), ("b", begin), ("c", end - MICROSECOND), ("d", end)):
        clinic.entry(CommunicationLog, patient, note=note, communication_datetime=at)
    client = lambda: api(role)  # noqa: E731
    assert found(client, logs, date_from=day) == ["b", "c", "d"]
    assert found(client, logs, date_to=day) == ["a", "b", "c"]
    assert found(client, logs, date_from=day, date_to=day) == ["b", "c"]
    assert found(client, logs, date_from=day, date_to=begin.isoformat()) == ["b"]


def test_a_moment_that_came_by_the_api_is_found_as_exactly(api, logs):
    api().post(logs, {"communication_datetime": "2026-03-04T09:00:00Z", "note": "x"})
    for said in ("2026-03-04T09:00:00Z", "2026-03-04T09:00:00.000000Z", "2026-03-04T10:00:00+01:00"):
        assert found(api, logs, date_from=said, date_to=said) == ["x"]


def test_words_narrow_the_list(clinic, api, patient, logs):
    words = [("phone", "sent", "user"), ("phone", "received", "automated"), ("fax", "sent", "integration"), (None, None, "user")]
    for mode, direction, source in words:
        values = {"mode": mode, "direction": direction, "communication_source": source}
        clinic.entry(CommunicationLog, patient, note=f"{mode} {direction} {source}", **values)
    assert found(api, logs, mode="phone") == ["phone sent user", "phone received automated"]
    assert found(api, logs, direction="sent") == ["phone sent user", "fax sent integration"]
    assert found(api, logs, communication_source="user") == ["phone sent user", "None None user"]
    assert found(api, logs, mode="phone", direction="sent", communication_source="automated") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "pigeon"),
        ("mode", " "),
        ("direction", "both"),
        ("communication_source", "staff"),
        ("date_from", "2026-02-30"),
        ("date_from", "20260304"),
        ("date_from", "2026-03-04T09:00:00"),
        ("date_to", "9999-12-31"),
        ("date_to", "yesterday"),
        ("date_to", " "),
        ("q", "x" * 201),
        ("q", "\x00"),
    ],
)
def test_filters_take_nothing_else(api, logs, name, value):
    answer = api().get(logs, {name: value})
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["query", name]])


@pytest.mark.parametrize(
    ("note", "hit", "miss"),
    [
        ("Called the patient", ["called", "THE PAT", "d t", "", " "], ["patients", "calledthe"]),
        ("Ärztin wünscht RÜCKRUF", ["ärztin", "ÄRZTIN", "rückruf", "wÜn", "ruckruf"], ["arztun"]),
        ("ΓΙΑΤΡΟΣ", ["γιατρος", "Γιατρός"], ["γιατροί"]),
        ("ПОЗВОНИТЬ завтра", ["позвонить", "ЗАВТРА"], ["вчера"]),
        ("Straße 5", ["STRASSE", "straße"], ["strase"]),
        ("100% of 5_a \\ b", ["%", "_", "\\", "0% o", "5_A"], ["%%", "1%0", "5-a", "\\\\"]),
        ("line one\nline two", ["one\nline", "TWO"], ["one line"]),
        (None, [""], ["none", "null"]),
    ],
)
def test_text_is_found_in_the_note_in_any_case_and_to_the_letter(clinic, api, patient, logs, note, hit, miss):
    clinic.entry(CommunicationLog, patient, note=note)
    assert {query: found(api, logs, q=query) for query in hit} == {query: [note] for query in hit}
    assert {query: found(api, logs, q=query) for query in miss} == {query: [] for query in miss}


def test_other_patients_contacts_are_not_in_the_list(clinic, api, patient, logs):
    clinic.entry(CommunicationLog, clinic.patient(responsible_party_id=patient.pk), note="theirs")
    clinic.entry(CommunicationLog, patient, note="own")
    assert found(api, logs) == ["own"]
    assert events("communication_log.search") == [{patient.pk}]


# --- never changed ----------------------------------------------------------------------------------


def test_no_verb_changes_or_removes_what_was_written(clinic, api, patient, logs):
    row = clinic.entry(CommunicationLog, patient, note="As it was")
    allowed = {logs: "GET, POST, HEAD", f"{logs}/{row.uuid}": "GET, HEAD"}
    for path, verbs in allowed.items():
        for method in ("PATCH", "PUT", "DELETE", *(() if "POST" in verbs else ("POST",))):
            answer = api()(method, path, {"note": "Changed", "base_version": 1})
            assert (answer.status_code, sorted(answer["Allow"].split(", "))) == (405, sorted(verbs.split(", ")))
    assert api().post(f"{logs}/{row.uuid}/archive").status_code == 404
    assert list(CommunicationLog.objects.values_list("note", flat=True)) == ["As it was"]
