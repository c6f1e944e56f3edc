"""What holds for every kind of chart entry in the practice dialect, read off the views that are there."""

import pytest

from accounts.models import AuditedPatient, AuditEvent, IdempotencyRecord, OutboxEvent, Role
from config.core.orm import word_for
from patients.models import Patient
from patients.practice.charts import ChartRecordViewSet, ChartViewSet
from tests import policy
from tests.cast import VIEWS, another
from tests.declared import body_serializers
from tests.factories import archive
from tests.policy import POLICY

LISTS = {
    policy.chart_of(route): view.cls
    for route, view in VIEWS.items()
    if issubclass(view.cls, ChartViewSet) and policy.chart_of(route) == route.rpartition("/")[2]
}
RECORDS = {name: view for name, view in LISTS.items() if issubclass(view, ChartRecordViewSet)}
ADDED = {name: view for name, view in LISTS.items() if "POST" in POLICY[f"api/v1/<org_id>/patients/<patient_uuid>/{name}"]}
IDEMPOTENT = sorted(name for name, view in LISTS.items() if "create" in view.idempotent_actions)


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def chart(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}"


def events(action: str) -> list[set[int]]:
    """Return the patients of each event of `action`."""
    found = AuditEvent.objects.filter(action=action, outcome="ok").order_by("id")
    return [set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) for event in found]


# Where an entry shows whose it is, if not under `patient`.
PATIENT = {"relationships": "from_patient"}


def about(name: str, patient, shown: dict) -> set[int]:
    """Return the ids of the patients whom an entry tells something about."""
    others = [shown["to_patient"]["uuid"]] if name == "relationships" else []
    return {patient.pk, *Patient.objects.filter(uuid__in=others).values_list("pk", flat=True)}


def test_the_policy_and_the_views_know_the_same_charts():
    assert LISTS.keys() == policy.CHART.keys()
    assert RECORDS.keys() == {name for name, chart in policy.CHART.items() if chart.corrected}


def test_the_creates_that_the_document_says_so_honour_an_idempotency_key():
    documented = {"alerts", "allergies", "communication-logs", "diseases", "medications", "relationships", "vital-signs"}
    assert set(IDEMPOTENT) == documented & LISTS.keys()


@pytest.mark.parametrize("name", sorted(ADDED))
def test_an_entry_is_made_read_and_listed(clinic, api, chart, patient, name):
    model = ADDED[name].model
    made = api(Role.HC_PRIMARY).post(f"{chart}/{name}", another(clinic, model))
    assert made.status_code == 201, made.content
    shown, word = made.json(), word_for(model)
    assert shown[PATIENT.get(name, "patient")] == {"uuid": str(patient.uuid), "name": patient.full_name}
    one, many = (api(Role.HC_PRIMARY).get(f"{chart}/{name}{rest}").json() for rest in (f"/{shown['id']}", ""))
    assert one["id"] == shown["id"]
    assert many["items"] == [one]
    assert many["total"] == 1
    assert [events(f"{word}.{action}") for action in ("create", "read", "search")] == [[about(name, patient, shown)]] * 3
    assert OutboxEvent.objects.filter(type=f"{word}.created", subject_uuid=shown["id"]).count() == 1


@pytest.mark.parametrize("name", sorted(LISTS))
def test_an_empty_chart_has_been_read_all_the_same(api, chart, patient, name):
    answer = api().get(f"{chart}/{name}")
    assert answer.status_code == 200
    assert answer.json()["total"] == 0
    assert events(f"{word_for(LISTS[name].model)}.search") == [{patient.pk}]


# What tells entries of one patient apart, where there may not be several alike.
DIFFERENT: dict[str, list[dict]] = {
    "referral-attributions": [{}, *[{"attribution_role": "secondary"}] * 2],
    "social-history": [{"category": word} for word in ("diet", "alcohol", "housing")],
}
TURNED = sorted(name for name, view in LISTS.items() if view.default_sort_dir)


def test_what_the_contract_orders_otherwise_is_not_turned():
    assert LISTS.keys() - set(TURNED) == {"field-values", "monitoring-rules", "relationships", "tags"}


@pytest.mark.parametrize("name", TURNED)
def test_a_list_begins_with_what_was_recorded_last_and_sort_dir_turns_it(clinic, api, chart, patient, name):
    model = LISTS[name].model
    several = DIFFERENT.get(name, [{}] * 3)
    made = [str(clinic.entry(model, patient, **values).uuid) for values in several]
    for asked, expected in (({}, made[::-1]), ({"sort_dir": "desc"}, made[::-1]), ({"sort_dir": "asc"}, made)):
        assert [row["id"] for row in api().get(f"{chart}/{name}", asked).json()["items"]] == expected
        pages = [api().get(f"{chart}/{name}", {"page": page, "page_size": 2, **asked}).json()["items"] for page in (1, 2)]
        assert [row["id"] for page in pages for row in page] == expected
    unknown = api().get(f"{chart}/{name}", {"sort_dir": "up"})
    assert (unknown.status_code, unknown.json()["detail"][0]["loc"]) == (422, ["query", "sort_dir"])


@pytest.mark.parametrize("name", sorted(LISTS))
def test_the_chart_of_an_archived_patient_is_read_and_not_written(clinic, api, chart, patient, name):
    model = LISTS[name].model
    entry = clinic.entry(model, patient)
    archive(patient)
    assert api().get(f"{chart}/{name}").json()["total"] == 1
    assert api().get(f"{chart}/{name}/{entry.uuid}").status_code == 200
    attempts = [("POST", f"{chart}/{name}", another(clinic, model))] if name in ADDED else []
    if name in RECORDS:
        one = f"{chart}/{name}/{entry.uuid}"
        attempts += [("PATCH", one, {"base_version": 1}), ("POST", f"{one}/archive?base_version=1", {"base_version": 1})]
    for method, path, body in attempts:
        answer = api()(method, path, body)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Patient not found"})
    assert model._base_manager.get(patient=patient).updated_at == entry.updated_at


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_an_archived_entry_leaves_the_list_and_still_answers(clinic, api, chart, patient, name):
    model = RECORDS[name].model
    entry = clinic.entry(model, patient)
    one = f"{chart}/{name}/{entry.uuid}"
    answer = api().post(f"{one}/archive?base_version=1")
    assert answer.status_code == 200, answer.content
    assert api().get(f"{chart}/{name}").json()["total"] == 0
    assert api().get(one).status_code == 200
    entry = model._base_manager.get(pk=entry.pk)
    assert (entry.deleted_at is not None, entry.version) == (True, 2)
    for method, path in (("PATCH", one), ("POST", f"{one}/archive?base_version=2")):
        assert api()(method, path, {"base_version": 2}).status_code == 404, "an archived entry is not there for writes"
    assert events(f"{word_for(model)}.archive") == [about(name, patient, answer.json())]


@pytest.mark.parametrize("name", sorted(RECORDS))
@pytest.mark.parametrize("version", [2, 10**18, 10**30])
def test_a_stale_or_future_version_changes_nothing(clinic, api, chart, patient, name, version):
    entry = clinic.entry(RECORDS[name].model, patient)
    answer = api().patch(f"{chart}/{name}/{entry.uuid}", {"base_version": version})
    assert (answer.status_code, answer.json()) == (409, {"detail": f"Version conflict: expected 1, got {version}"})
    assert type(entry)._base_manager.get(pk=entry.pk).updated_at == entry.updated_at


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_null_is_no_error_in_a_correction(clinic, api, chart, patient, name):
    """Null clears a column that can be null and leaves one that cannot as it is."""
    view = RECORDS[name]
    before = clinic.entry(view.model, patient, **clinic.least_entry(view.model))
    fields = body_serializers(view)["partial_update"]().fields
    optional = {
        fieldname: None for fieldname, field in fields.items() if fieldname not in ("base_version", *NEEDED.get(name, ()))
    }
    answer = api().patch(f"{chart}/{name}/{before.uuid}", {"base_version": 1, **optional})
    assert answer.status_code == 200, answer.content
    after = view.model._base_manager.get(pk=before.pk)
    for fieldname in optional:
        column = view.model._meta.get_field((fields[fieldname].source or fieldname).removesuffix("_id"))
        expected = None if column.null else getattr(before, column.attname)
        assert getattr(after, column.attname) == expected, fieldname


# Fields of which a rule wants one to stay.
NEEDED: dict[str, tuple[str, ...]] = {"medications": ("med_descript",), "vital-signs": ("pulse",)}


def bodies_without_a_change(view) -> list[dict]:
    """Return bodies that name nothing to change: nothing at all, an unknown field, null where a column cannot be null."""
    fields = body_serializers(view)["partial_update"]().fields
    columns = {name: (field.source or name).removesuffix("_id") for name, field in fields.items() if name != "base_version"}
    kept = {name: None for name, column in columns.items() if not view.model._meta.get_field(column).null}
    return [{}, {"unknown": 1}, kept]


# The charts whose entries are changed by services of their own, and not archived as the others are.
CHANGED = {**RECORDS, "alerts": LISTS["alerts"]}


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_a_change_of_nothing_is_a_read(clinic, api, chart, patient, name):
    view = CHANGED[name]
    entry, word = clinic.entry(view.model, patient), word_for(view.model)
    before, published = view.model._base_manager.filter(pk=entry.pk).values().get(), OutboxEvent.objects.count()
    for count, body in enumerate(bodies_without_a_change(view), start=1):
        answer = api().patch(f"{chart}/{name}/{entry.uuid}", {"base_version": 1, **body})
        assert (answer.status_code, answer.json()["version"]) == (200, 1)
        assert view.model._base_manager.filter(pk=entry.pk).values().get() == before
        assert events(f"{word}.read") == [about(name, patient, answer.json())] * count
    assert (events(f"{word}.update"), OutboxEvent.objects.count()) == ([], published)


@pytest.mark.parametrize("name", IDEMPOTENT)
def test_a_create_sent_again_with_its_key_gives_the_first_answer(clinic, api, chart, patient, name):
    model = LISTS[name].model
    body, path = another(clinic, model), f"{chart}/{name}"
    first = api().post(path, body, Idempotency_Key="once")
    again = api().post(path, body, Idempotency_Key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
    assert model._base_manager.filter(patient=patient).count() == 1
    other = api().post(f"{clinic.base}/patients/{clinic.patient().uuid}/{name}", body, Idempotency_Key="once")
    assert other.status_code == 409, "the same key on another patient's chart is another request"
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_patient_reads_the_own_chart_as_far_as_it_is_theirs(clinic, api, name):
    own, other = clinic.own_patient, clinic.patient()
    answer = api(Role.PATIENT).get(f"{clinic.base}/patients/{own.uuid}/{name}")
    assert answer.status_code == (200 if policy.Caller.PATIENT in policy.CHART[name].readers else 403)
    assert api(Role.PATIENT).get(f"{clinic.base}/patients/{other.uuid}/{name}").status_code == 404
