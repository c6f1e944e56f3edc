"""What all catalogs do alike, shown on those that have the columns for it."""

from urllib.parse import urlencode

import pytest
from django.apps import apps

from accounts.models import AuditedPatient, AuditEvent, Role
from accounts.models.catalogs import Catalog
from accounts.practice.catalogs import CatalogViewSet
from accounts.services.catalogs import archive_catalog_row, create_catalog_row, update_catalog_row
from config.core.exceptions import NotFound, VersionConflict
from patients.models import Patient, Program, Provider, TagDefinition
from tests.cast import VIEWS
from tests.factories import SYSTEM
from tests.pages import sign_in, submit, url

READERS = [role for role in Role.values if role != Role.PATIENT]


@pytest.fixture
def tags(clinic) -> str:
    return f"{clinic.base}/patient-tag-definitions"


@pytest.fixture
def tag(clinic, tags) -> str:
    """The address of the clinic's tag definition, whose version is 1."""
    return f"{tags}/{clinic.catalogs['tag_definition'].uuid}"


def names(response) -> list[str]:
    return [row["name"] for row in response.json()["items"]]


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("id"))


# --- writing ----------------------------------------------------------------------------------------


def test_a_new_row_is_answered_audited_and_stamps_the_cache(clinic, api, tags):
    stamp = clinic.organization.catalog_version
    answer = api().post(tags, {"name": "Needs lift", "color": "red", "item_order": None})
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["name"], shown["color"], shown["item_order"], shown["version"]) == ("Needs lift", "red", 0, 1)
    assert (shown["category"], shown["description"], shown["deleted_at"]) == (None, None, None)
    event = events("tag_definition.create")[-1]
    assert (event.user_id, event.organization_id) == (clinic.users[Role.HC_ADMIN].pk, clinic.organization.pk)
    assert not AuditedPatient.objects.filter(event=event).exists()
    clinic.organization.refresh_from_db()
    assert clinic.organization.catalog_version > stamp


def test_a_change_writes_what_is_sent_and_nothing_else(clinic, api, tags):
    one = f"{tags}/{clinic.catalog(TagDefinition, 'Old', color='red', category='Access').uuid}"
    idle = {"version": 9, "deleted_at": "2020-01-01T00:00:00Z", "id": "x"}
    answer = api().patch(one, {"name": "New", "color": None, "base_version": 1, **idle})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["name"], shown["color"], shown["category"], shown["version"], shown["deleted_at"]) == (
        "New",
        None,
        "Access",
        2,
        None,
    )
    assert events("tag_definition.update")[-1].changed_fields == "color,name"


@pytest.mark.parametrize("action", ["", "/archive"])
def test_a_stale_version_changes_nothing(api, tag, action):
    assert api().patch(tag, {"name": "Second", "base_version": 1}).status_code == 200
    method = "POST" if action else "PATCH"
    answer = api()(method, f"{tag}{action}", {"name": "Third", "base_version": 1})
    assert (answer.status_code, answer.json()) == (409, {"detail": "Version conflict: expected 2, got 1"})
    assert (api().get(tag).json()["name"], api().get(tag).json()["deleted_at"]) == ("Second", None)


def test_null_leaves_what_cannot_be_null(clinic, api):
    one = f"{clinic.base}/providers/{clinic.catalog(Provider, 'Dr. Who', title='Dr.').uuid}"
    shown = api().patch(one, {"title": None, "name": "Dr. No", "base_version": 1}).json()
    assert (shown["title"], shown["name"], shown["version"]) == ("Dr.", "Dr. No", 2)


@pytest.mark.parametrize("view", CatalogViewSet.__subclasses__(), ids=lambda view: view.model.__name__)
def test_a_change_of_nothing_leaves_the_row_as_it_is(clinic, api, view):
    model = view.model
    row = clinic.row(model)
    route = next(route for route, found in VIEWS.items() if found.cls is view and route.endswith(f"<{view.lookup_url_kwarg}>"))
    one = "/" + route.replace("<org_id>", str(clinic.organization.uuid)).replace(f"<{view.lookup_url_kwarg}>", str(row.uuid))
    clinic.organization.refresh_from_db()
    stamp, audited = clinic.organization.catalog_version, AuditEvent.objects.count()
    before = model._base_manager.filter(pk=row.pk).values().get()
    columns = (model._meta.get_field(name) for name in view.columns if name not in view.fixed)
    kept = {column.name: None for column in columns if not column.null}
    for body in ({}, {"unknown": 1}, kept):
        answer = api().patch(one, {"base_version": 1, **body})
        assert (answer.status_code, answer.json()) == (200, api().get(one).json())
    stale = api().patch(one, {"base_version": 2})
    assert (stale.status_code, stale.json()) == (409, {"detail": "Version conflict: expected 1, got 2"})
    assert model._base_manager.filter(pk=row.pk).values().get() == before
    clinic.organization.refresh_from_db()
    assert (clinic.organization.catalog_version, AuditEvent.objects.count()) == (stamp, audited), "as reading leaves none"


def test_the_service_tells_a_change_of_nothing_that_the_row_was_archived(clinic):
    row = clinic.catalogs["provider"]
    archive_catalog_row(actor=SYSTEM, row=row, base_version=1)
    with pytest.raises(NotFound, match="Provider not found"):
        update_catalog_row(actor=SYSTEM, row=row, base_version=2, changes={})


@pytest.mark.parametrize("name", [None, "", 7, "x" * 256, ["x"]])
def test_a_name_that_is_none_is_refused(api, tags, tag, name):
    for answer in (api().post(tags, {"name": name}), api().patch(tag, {"name": name, "base_version": 1})):
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "name"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("item_order", "one"), ("item_order", True), ("item_order", 2**31), ("color", 5), ("color", "x" * 33), ("description", {})],
)
def test_values_are_taken_for_what_they_are(api, tags, field, value):
    answer = api().post(tags, {"name": "New", field: value})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])


def test_an_archived_row_leaves_lists_and_still_answers(api, tags, tag):
    answer = api().post(f"{tag}/archive", {"base_version": 1})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert answer.json()["deleted_at"] is not None
    assert api().get(tags).json()["total"] == 0
    assert api().get(tag).json() == answer.json()
    assert events("tag_definition.archive")[-1].changed_fields == "deleted_at"


def test_an_archived_row_is_not_there_to_be_changed(api, tag):
    api().post(f"{tag}/archive", {"base_version": 1})
    for answer in (api().post(f"{tag}/archive", {"base_version": 2}), api().patch(tag, {"name": "Back", "base_version": 2})):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Tag definition not found"})


def test_the_services_tell_stale_from_archived(clinic):
    row = clinic.catalogs["provider"]
    update_catalog_row(actor=SYSTEM, row=row, base_version=1, changes={"title": "Dr."})
    with pytest.raises(VersionConflict):
        archive_catalog_row(actor=SYSTEM, row=row, base_version=1)
    archive_catalog_row(actor=SYSTEM, row=row, base_version=2)
    with pytest.raises(NotFound, match="Provider not found"):
        update_catalog_row(actor=SYSTEM, row=row, base_version=3, changes={"title": "Prof."})


def test_a_care_group_name_is_taken_once_until_it_is_archived(clinic, api):
    groups = f"{clinic.base}/care-groups"
    body = {"name": clinic.group.name.upper()}
    answer = api().post(groups, body)
    assert (answer.status_code, answer.json()) == (409, {"detail": "duplicate care group name"})
    other = api().patch(f"{groups}/{clinic.other_group.uuid}", {**body, "base_version": 1})
    assert other.status_code == 409
    assert api().post(f"{groups}/{clinic.group.uuid}/archive", {"base_version": 1}).status_code == 200
    assert api().post(groups, body).status_code == 201


def test_a_protocol_stays_with_its_program(clinic, api):
    program = clinic.catalog(Program, "Other program")
    made = api().post(f"{clinic.base}/protocols", {"name": "Daily", "program_uuid": str(program.uuid)})
    assert made.json()["program"] == {"uuid": str(program.uuid), "name": "Other program"}
    body = {"program_uuid": str(clinic.catalogs["program"].uuid), "base_version": 1}
    assert api().patch(f"{clinic.base}/protocols/{made.json()['id']}", body).json()["program"]["name"] == "Other program"


def test_a_protocol_needs_a_program_that_is_there(clinic, api):
    program = clinic.catalog(Program, "Gone")
    archive_catalog_row(actor=SYSTEM, row=program, base_version=1)
    protocols = f"{clinic.base}/protocols"
    assert api().post(protocols, {"name": "Daily", "program_uuid": str(program.uuid)}).status_code == 404
    assert api().post(protocols, {"name": "Daily"}).status_code == 422
    assert api().post(protocols, {"name": "Daily", "program_uuid": None}).status_code == 422


# --- reading ----------------------------------------------------------------------------------------


def test_rows_come_in_their_own_order_then_by_folded_name(clinic, api, tags):
    for name, order in (("zeta", -1), ("Émile", 1), ("Eve", 1), ("emil", 1)):
        clinic.catalog(TagDefinition, name, item_order=order)
    assert names(api().get(tags)) == ["zeta", "Hill Valley tag_definition", "emil", "Émile", "Eve"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "SOREN"}, ["Søren's clinic"]),
        ({"search": "%"}, ["100% covered"]),
        ({"search": "_"}, ["Hill Valley tag_definition"]),
        ({"search": ""}, ["100% covered", "Hill Valley tag_definition", "Søren's clinic"]),
        ({"search": "covered", "category": "Money"}, ["100% covered"]),
        ({"category": "Mon"}, []),
    ],
)
def test_rows_are_found_by_a_part_of_the_name_and_by_category(clinic, api, tags, query, found):
    clinic.catalog(TagDefinition, "Søren's clinic")
    clinic.catalog(TagDefinition, "100% covered", category="Money")
    answer = api().get(f"{tags}?{urlencode(query)}")
    assert (sorted(names(answer)), answer.json()["total"]) == (found, len(found))


def test_a_renamed_row_is_found_by_its_new_name_only(api, tags, tag):
    api().patch(tag, {"name": "Ünal", "base_version": 1})
    assert names(api().get(tags, {"search": "unal"})) == ["Ünal"]
    assert names(api().get(tags, {"search": "Hill"})) == []


def test_only_catalogs_with_categories_filter_by_them(clinic, api, tags):
    """A parameter that a list does not know is ignored, here as everywhere."""
    assert api().get(f"{clinic.base}/providers", {"category": "none"}).json()["total"] == 1
    assert api().get(tags, {"category": "none"}).json()["total"] == 0


def test_pages_go_on_where_the_last_one_ended(clinic, api, tags):
    for number in range(4):
        clinic.catalog(TagDefinition, f"Tag {number}")
    pages = [names(api().get(tags, {"page_size": 2, "page": page})) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({name for page in pages for name in page}) == 5


@pytest.mark.parametrize("role", READERS)
def test_staff_read_catalogs_and_leave_no_event(clinic, api, tags, tag, role):
    before = AuditEvent.objects.count()
    assert api(role).get(tags).json()["total"] == 1
    assert api(role).get(tag).status_code == 200
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("page", [1, 2])
def test_a_patient_sees_no_row_on_any_page(api, tags, tag, page):
    answer = api(Role.PATIENT).get(tags, {"page": page})
    assert (answer.status_code, answer.json()["items"], answer.json()["total"]) == (200, [], 0)
    assert api(Role.PATIENT).get(tag).status_code == 404


@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.HC_PRIMARY, Role.HC_SECONDARY])
def test_only_administrators_write(api, tags, tag, role):
    answers = (
        api(role).post(tags, {"name": "New"}),
        api(role).patch(tag, {"base_version": 1}),
        api(role).post(f"{tag}/archive", {"base_version": 1}),
    )
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert api().get(tag).json()["version"] == 1


def test_a_caregiver_sees_the_own_care_groups_only(clinic, api):
    assert names(api(Role.HC_PRIMARY).get(f"{clinic.base}/care-groups")) == [clinic.group.name]
    assert api().get(f"{clinic.base}/care-groups").json()["total"] == 2


# --- as references of patients ----------------------------------------------------------------------


def test_a_patient_cannot_be_given_an_archived_row(clinic, api):
    provider = clinic.catalogs["provider"]
    body = {"first_name": "Ada", "last_name": "L", "primary_provider_uuid": str(provider.uuid)}
    patient = api().post(f"{clinic.base}/patients", body).json()
    assert api().post(f"{clinic.base}/providers/{provider.uuid}/archive", {"base_version": 1}).status_code == 200
    assert api().post(f"{clinic.base}/patients", body).status_code == 404
    kept = api().get(f"{clinic.base}/patients/{patient['id']}").json()["primary_provider"]
    assert kept == {"uuid": str(provider.uuid), "name": provider.name}


def test_a_rename_shows_in_references_with_the_next_request(clinic, api):
    provider = clinic.catalogs["provider"]
    patient = clinic.patient(primary_provider_id=provider.pk)
    one = f"{clinic.base}/patients/{patient.uuid}"
    assert api(Role.HC_VIEW_ALL).get(one).json()["primary_provider"]["name"] == provider.name
    for version, name in enumerate(("Dr. Ada", "Dr. Bo"), 1):
        api().patch(f"{clinic.base}/providers/{provider.uuid}", {"name": name, "base_version": version})
        assert api(Role.HC_VIEW_ALL).get(one).json()["primary_provider"]["name"] == name


# --- below and beside -------------------------------------------------------------------------------


def test_every_catalog_is_served_by_the_one_view_set():
    served = {view.model for view in CatalogViewSet.__subclasses__()}
    assert served == {model for model in apps.get_models() if issubclass(model, Catalog)}


def test_a_name_longer_than_its_column_when_folded_is_cut(clinic):
    row = create_catalog_row(actor=SYSTEM, model=Provider, organization=clinic.organization, name="æ" * 255)
    assert row.name_key == "ae" * 127 + "a"


def test_the_admin_keeps_a_protocol_with_its_program(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    protocol, other = clinic.catalogs["protocol"], clinic.catalog(Program, "Other program")
    assert submit(client, type(protocol), protocol.pk, name="Renamed", program=other.pk).status_code == 302
    protocol.refresh_from_db()
    assert (protocol.name, protocol.name_key, protocol.program) == ("Renamed", "renamed", clinic.catalogs["program"])


def test_a_form_that_is_saved_as_it_was_changes_nothing(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    provider = clinic.catalogs["provider"]
    assert submit(client, Provider, provider.pk).status_code == 302
    provider.refresh_from_db()
    assert (provider.version, events("provider.update")) == (1, [])


@pytest.mark.parametrize("text", ["élan", "ELAN", "weisse STRASSE", "100%"])
def test_the_admin_finds_a_name_in_any_case_and_without_accents(clinic, text):
    row = clinic.catalog(Provider, "Élan 100% Weiße Straße")
    clinic.catalog(Provider, "Elm 1000")
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert list(client.get(url(Provider, "changelist"), {"q": text}).context["cl"].result_list) == [row]


def test_the_admin_archives_through_the_service(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    provider = clinic.catalogs["provider"]
    client.post(url(Provider, "changelist"), {"action": "archive_selected", "_selected_action": [provider.pk]})
    provider.refresh_from_db()
    assert (provider.version, provider.deleted_at is not None) == (2, True)
    assert events("provider.archive")


def test_no_patient_is_touched_by_a_catalog(clinic, api, tag):
    clinic.tag(clinic.patient())
    api().post(f"{tag}/archive", {"base_version": 1})
    assert Patient.objects.get().tags.get().deleted_at is None
