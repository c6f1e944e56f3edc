"""Keys that a body of a chart may hold and that change nothing (see test_bad_mass_assignment.py)."""

import datetime
from typing import Any

import pytest

from accounts.scope import Role
from tests.charts import BODIES, Chart, ChartBody
from tests.rest.test_bad_mass_assignment import AT, EXTRA, UUID

OF_CHARTS = {
    **EXTRA,
    "patient": UUID,
    "patient_id": 1,
    "patient_uuid": UUID,
    "from_patient": UUID,
    "from_patient_uuid": UUID,
    "organization_uuid": UUID,
    "created_by_id": 1,
    "created_by_uuid": UUID,
    "assigned_by": UUID,
    "assigned_by_id": 1,
    "communication_source": "integration",
    "abnormal_flags": [{"vital": "pulse"}],
    "is_procedure_blocking": True,
    "interaction_warnings": [{}],
    "interaction_check": {"status": "checked"},
    "attributed_at": AT,
    "archived_at": AT,
    "note_key": "zzz",
    "status": "archived",
    "date_disabled": AT,
    "name": "zzz",
    "entry_uuid": UUID,
    "value_uuid": UUID,
    "patientId": UUID,
    "createdAt": AT,
    "createdBy": UUID,
    "recorded_by": 1,
    "recorded_by_id": 1,
    "recordedBy": UUID,
    "value_number": "9",
    "valueNumber": 9,
    "value_choice": "zzz",
    "measured_at": AT,
    "flag": "red",
    "type": "remark",
    "cause": {"zzz": 1},
    "rule_key": "zzz",
    "ruleKey": "zzz",
    "window": "zzz",
    "processed_at": AT,
    "processedAt": AT,
    "processed_by": 1,
    "processedBy": UUID,
    "processed_type": "zzz",
    "escalatedAt": AT,
    "escalatedBy": UUID,
    "instrumentId": UUID,
    "scale_max": 1000,
    "planned_via": "rec",
    "self_planned": False,
    "completedAt": AT,
    "programActionId": UUID,
}
MOVING = {
    "id",
    "uuid",
    "patient_id",
    "version",
    "created_at",
    "updated_at",
    "attributed_at",
    "measured_at",
    "rule_key",
    "program_action",
}
CREATES = [body for body in BODIES if body.action == "create"]
CHANGES = [body for body in BODIES if ("base_version",) in body.fields() or body.action == "process"]


def extra_for(body: ChartBody) -> dict[str, Any]:
    """Return the keys that `body` does not take."""
    taken = {path[0].removesuffix("[]") for path in body.fields()}
    return {key: value for key, value in OF_CHARTS.items() if key not in taken}


def settled(entry: Any) -> dict[str, Any]:
    """Return every column of `entry` but those in which two entries always differ, or that a change must move."""
    row = type(entry)._base_manager.filter(pk=entry.pk).values().get()
    return {name: value for name, value in row.items() if name not in MOVING}


@pytest.mark.parametrize("body", CREATES, ids=str)
def test_extra_keys_of_a_create_change_nothing(clinic, body):
    entries, least = [], Chart(clinic, body).least()
    for extra in ({}, extra_for(body)):
        chart = Chart(clinic, body)
        made = chart.send({**extra, **least})
        assert made.status_code == 201, made.content
        entries.append((chart, chart.written(made)))
    (_, plain), (chart, extra) = entries
    assert settled(extra) == settled(plain)
    assert (extra.patient_id, extra.organization_id) == (chart.patient.pk, clinic.organization.pk)
    assert (getattr(extra, "version", 1), str(extra.uuid) != UUID, extra.pk != EXTRA["id"]) == (1, True, True)
    moments = [value for value in vars(extra).values() if isinstance(value, datetime.datetime)]
    assert all(moment.year != 2001 for moment in moments)


@pytest.mark.parametrize("body", CHANGES, ids=str)
def test_extra_keys_of_a_change_change_nothing(clinic, body):
    chart = Chart(clinic, body)
    plain = Chart(clinic, body)
    assert plain.send(plain.least()).status_code == 200
    answer = chart.send({**extra_for(body), **chart.least()})
    assert answer.status_code == 200, answer.content
    after, without = (type(one.entry)._base_manager.get(pk=one.entry.pk) for one in (chart, plain))
    dated = {name for name, value in settled(after).items() if isinstance(value, datetime.datetime)}
    assert {**settled(after), **dict.fromkeys(dated)} == {**settled(plain.entry), **dict.fromkeys(dated)}
    assert all(getattr(after, name).year != 2001 for name in dated)
    assert getattr(after, "version", 1) == getattr(without, "version", 1)
    assert (after.uuid, after.patient_id) == (chart.entry.uuid, chart.patient.pk)
    assert after.created_at == chart.entry.created_at


@pytest.mark.parametrize("body", [body for body in BODIES if body.method == "PUT"], ids=str)
def test_extra_keys_inside_a_list_change_nothing(clinic, api, body):
    extra = {key: value for key, value in OF_CHARTS.items() if key not in ("fields", "value")}
    charts = [Chart(clinic, body), Chart(clinic, body)]
    for chart, more in zip(charts, ({}, extra), strict=True):
        sent = {**more, "fields": [{**more, **field} for field in chart.least()["fields"]]}
        assert api().put(chart.path, sent).status_code == 200
    plain, odd = (chart.entry.__class__._base_manager.get(patient=chart.patient) for chart in charts)
    assert settled(odd) == settled(plain)
    assert (odd.version, odd.organization_id, odd.pk != EXTRA["id"]) == (plain.version, plain.organization_id, True)


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_bodies_take_no_more_columns_than_the_contract_names(body):
    """What may be written is a list, not whatever the model has."""
    internal = {
        "id",
        "uuid",
        "version",
        "organization",
        "organization_id",
        "patient",
        "patient_id",
        "deleted_at",
        "created_at",
        "updated_at",
        "created_by",
        "created_by_id",
        "communication_source",
        "abnormal_flags",
        "is_procedure_blocking",
        "interaction_warnings",
        "interaction_check",
        "attributed_at",
        "note_key",
        "assigned_by",
        "assigned_by_id",
        "recorded_by",
        "recorded_by_id",
        "cause",
        "rule_key",
        "window",
        "flag",
        "type",
        "processed_at",
        "processed_by",
        "escalated_at",
        "escalated_by",
        "planned_via",
        "self_planned",
        "program_action",
        "completed_at",
        "completed_by",
    }
    written = {field.source for field in body.fields().values()}
    assert written & internal == set()


@pytest.mark.parametrize("body", CREATES, ids=str)
def test_who_wrote_an_entry_is_who_asked(clinic, body):
    chart, writer = Chart(clinic, body), clinic.users[Role.HC_ADMIN].pk
    made = chart.written(chart.send({**extra_for(body), **chart.least()}))
    told = ("created_by_id", "assigned_by_id", "recorded_by_id")
    assert {getattr(made, name) for name in told if hasattr(made, name)} <= {writer}
