"""Dismissing many alerts of a patient at once: all of them or none."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from clinical.models import Alert
from tests.clinical.alert_lists import affected_patients, ids, listed, of, published
from tests.contracts.facts import table


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def alerts(clinic, patient) -> str:
    return of(clinic, patient)


def dismiss(api, path: str, *rows, role: str = Role.HC_ADMIN):
    return api(role).post(f"{path}/bulk-dismiss", {"alert_uuids": [str(getattr(row, "uuid", row)) for row in rows]})


def stored() -> list[tuple]:
    return list(Alert.objects.order_by("id").values_list("status", "version"))


def test_many_alerts_are_archived_and_archived_ones_skipped(clinic, api, patient, alerts):
    active, disabled = clinic.entry(Alert, patient), clinic.entry(Alert, patient, status="disabled")
    archived, left = clinic.entry(Alert, patient, status="archived"), clinic.entry(Alert, patient)
    answer = dismiss(api, alerts, active, disabled, archived, role=Role.HC_PRIMARY)
    assert (answer.status_code, answer.json()) == (200, {"archived": 2, "skipped": 1})
    assert list(table("practice").faults("DismissedAlerts", answer.json())) == []
    assert stored() == [("archived", 2), ("archived", 2), ("archived", 1), ("active", 1)]
    assert listed(api, alerts) == ids(left)
    assert affected_patients("alert.archive") == [{patient.pk}]
    assert published("archived") == [str(active.uuid), str(disabled.uuid)]
    assert Alert.objects.get(pk=active.pk).updated_at > active.updated_at


def test_fifty_are_dismissed_and_fifty_one_are_too_many(clinic, api, patient, alerts):
    rows = [clinic.entry(Alert, patient) for _ in range(51)]
    answer = dismiss(api, alerts, *rows)
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["body", "alert_uuids"]])
    assert set(stored()) == {("active", 1)}
    assert dismiss(api, alerts, *rows[:50]).json() == {"archived": 50, "skipped": 0}
    assert listed(api, alerts) == ids(rows[50])


def test_the_limit_counts_what_was_sent(clinic, api, patient, alerts):
    assert dismiss(api, alerts, *[clinic.entry(Alert, patient)] * 51).status_code == 422
    assert stored() == [("active", 1)]


def test_an_alert_named_twice_counts_once(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    assert dismiss(api, alerts, row.uuid, str(row.uuid).upper(), row.uuid).json() == {"archived": 1, "skipped": 0}
    assert (stored(), published("archived")) == ([("archived", 2)], [str(row.uuid)])


def test_none_at_all_is_no_error_and_no_change(clinic, api, patient, alerts):
    clinic.entry(Alert, patient)
    answer = dismiss(api, alerts)
    assert (answer.status_code, answer.json()) == (200, {"archived": 0, "skipped": 0})
    assert (stored(), published("archived")) == ([("active", 1)], [])


def test_one_that_is_not_this_patients_stops_them_all(clinic, neighbour, api, patient, alerts):
    rows = [clinic.entry(Alert, patient) for _ in range(3)]
    relative = clinic.patient(responsible_party_id=patient.pk)
    others = [
        uuid.uuid4(),
        neighbour.entry(Alert, neighbour.patient()).uuid,
        clinic.entry(Alert, relative, alert_scope="family").uuid,
        clinic.entry(Alert, relative, status="archived").uuid,
    ]
    for other in others:
        answer = dismiss(api, alerts, *rows, other)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Alert not found"})
    assert set(Alert.objects.filter(patient=patient).values_list("status", "version")) == {("active", 1)}
    assert published("archived") == affected_patients("alert.archive") == []


@pytest.mark.parametrize(
    "sent", [None, "x", {}, [1], ["x"], [None], [True], ["urn:uuid:018f0000-0000-7000-8000-000000000000"], ...]
)
def test_what_is_no_list_of_ids_is_named(api, alerts, sent):
    answer = api().post(f"{alerts}/bulk-dismiss", {} if sent is ... else {"alert_uuids": sent})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", "alert_uuids"]


def test_any_number_of_alerts_costs_the_same(clinic, api, patient, alerts):
    costs = []
    for number in (1, 1, 10, 20):
        rows = [clinic.entry(Alert, patient) for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            assert dismiss(api, alerts, *rows).json()["archived"] == number
        costs.append(len(queries))
    assert len(set(costs[1:])) == 1, costs


def test_readers_dismiss_nothing(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    assert dismiss(api, alerts, row, role=Role.HC_VIEW_ALL).status_code == 403
    assert api(Role.HC_VIEW_ALL).get(f"{alerts}/{row.uuid}").status_code == 200
    assert api().get(f"{alerts}/bulk-dismiss").status_code == 405
    assert stored() == [("active", 1)]
