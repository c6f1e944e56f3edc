"""Every text and every list of a body has a limit, the same by every door, and so has what a page of a list holds."""

import csv
import io
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.forms import BaseForm, CharField
from rest_framework import serializers

from accounts.models import AuditEvent, Role
from clinical.models import Allergy, Instrument
from clinical.synthea.tables import RowRefused, check_lengths
from config.core.orm import COMMENT_LENGTH, MAX_OPTIONS, NOTE_LENGTH, OPTION_LENGTH
from config.rest.pagination import MAX_PAGE_LENGTH, MAX_PAGE_SIZE
from patients.models import FieldDefinition, Location, Patient
from patients.practice.serializers import PracticePatientOut
from patients.practice.views import PatientViewSet
from tests.cast import VIEWS
from tests.declared import all_bodies
from tests.pages import sign_in, submit
from tests.rest.wire import CHANGES, Wire

# Bounded by the service that knows the type of the custom field: tests/patients/test_field_values.py.
JUDGED_BY_TYPE = {"PracticeFieldValueIn.value"}
# Worked out by the product, never sent: the columns that are searched in, names of columns, and what a session remembers.
DERIVED = {
    "patient.search_text",
    "searchentry.search_text",
    "communicationlog.note_key",
    "auditevent.changed_fields",
    "auditevent.overridden",
    "session.session_data",
    "apikey.known_addresses",
}
KEPT_AS_A_HASH = {"UserForm.password", "PasswordForm.new_password1", "PasswordForm.new_password2"}
# As long as UTF-8 can make them.
LONGEST = "\U0010ffff"


def fields_of(serializer: serializers.Serializer) -> Iterator[tuple[str, serializers.Field]]:
    """Yield what a body takes, and what its lists and objects hold, each with the serializer that declares it."""
    for name, field in serializer.fields.items():
        where = f"{type(serializer).__name__}.{name}"
        while field is not None and not field.read_only:
            if isinstance(field, serializers.Serializer):
                yield from fields_of(field)
            else:
                yield where, field
            field, where = getattr(field, "child", None), f"{where}[]"


FIELDS = dict(pair for body in all_bodies(view.cls for view in VIEWS.values()) for pair in fields_of(body()))


def is_bounded(field: serializers.Field) -> bool:
    """Tell whether `field` says how long a text or a list may be, if it takes one."""
    open_kinds = (
        serializers.CharField,
        serializers.ListField,
        serializers.ListSerializer,
        serializers.JSONField,
        serializers.DictField,
    )
    return not isinstance(field, open_kinds) or bool(getattr(field, "max_length", None))


def test_every_text_and_list_of_a_body_has_a_limit():
    assert len(FIELDS) > 300
    assert {where for where, field in FIELDS.items() if not is_bounded(field)} == JUDGED_BY_TYPE


def test_every_column_for_text_has_a_limit():
    ours = [model for name in ("accounts", "patients", "clinical", "exports") for model in apps.get_app_config(name).get_models()]
    texts = [field for model in ours for field in model._meta.concrete_fields if isinstance(field, models.TextField)]
    assert {f"{field.model._meta.model_name}.{field.name}" for field in texts if not field.max_length} == DERIVED


def forms_of_the_admin(base: type = BaseForm) -> Iterator[type]:
    """Yield every class of forms of ours."""
    for found in base.__subclasses__():
        if found.__module__.split(".")[0] in ("accounts", "patients", "clinical", "exports"):
            yield found
        yield from forms_of_the_admin(found)


def test_every_text_of_a_form_has_a_limit():
    texts = {
        f"{form.__name__}.{name}": field
        for form in forms_of_the_admin()
        for name, field in form.base_fields.items()
        if isinstance(field, CharField)
    }
    assert len(texts) > 30
    assert {where for where, field in texts.items() if not field.max_length} == KEPT_AS_A_HASH


def test_a_list_that_is_too_long_is_refused_before_its_items_are_looked_at():
    lists = [field for field in FIELDS.values() if isinstance(field, (serializers.ListField, serializers.ListSerializer))]
    assert len(lists) > 10
    for field in lists:
        with pytest.raises(serializers.ValidationError) as refusal:
            field.run_validation([object()] * (field.max_length + 1))
        assert "max_length" in str(refusal.value.get_codes()), field


# --- every door -------------------------------------------------------------------------------------
NOTE = {"practice": "medical_summary", "public": "comments"}


@pytest.mark.parametrize("name", NOTE)
def test_a_note_up_to_its_limit_is_kept_by_the_apis_and_a_longer_one_named(clinic, name):
    wire = Wire(name, clinic)
    assert wire.named(wire.create(wire.values(**{NOTE[name]: "x" * (NOTE_LENGTH + 1)}))) == [NOTE[name]]
    assert wire.create(wire.values(**{NOTE[name]: LONGEST * NOTE_LENGTH})).status_code == 201
    patient = Patient.objects.get()
    assert getattr(patient, NOTE[name]) == LONGEST * NOTE_LENGTH
    if name in CHANGES:
        assert wire.named(wire.change(patient, {NOTE[name]: "x" * (NOTE_LENGTH + 1)})) == [NOTE[name]]


def test_a_note_that_is_too_long_fails_its_row_of_a_bulk_request(clinic, api):
    rows = [{"first_name": "A", "last_name": "B", "medical_summary": "x" * (NOTE_LENGTH + more)} for more in (0, 1)]
    results = api().post(f"{clinic.base}/patients/bulk", {"rows": rows}).json()["results"]
    assert [result["status"] for result in results] == ["created", "failed"]
    assert [error["loc"] for error in results[1]["errors"]] == [["body", "rows", 1, "medical_summary"]]


def test_a_note_that_is_too_long_fails_its_row_of_a_file(clinic, tmp_path):
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["first_name", "last_name", "treatment_notes"], *(["A", "B", "x" * (NOTE_LENGTH + more)] for more in (0, 1))]
        )
    with pytest.raises(CommandError):
        call_command("import_patients", path, organization=clinic.organization.slug, stdout=io.StringIO(), stderr=io.StringIO())
    assert Patient.objects.count() == 1
    with path.with_suffix(".errors.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["field"] == "treatment_notes"


def test_the_admin_names_a_note_that_is_too_long_and_counts_the_end_of_a_line_once(clinic):
    client, patient = sign_in(clinic.users[Role.HC_ADMIN]), clinic.patient()
    lines = "x\n" * (NOTE_LENGTH // 2 - 1) + "xx"
    refused = submit(client, Patient, patient.pk, treatment_notes=lines.replace("\n", "\r\n") + "x")
    assert list(refused.context["adminform"].form.errors) == ["treatment_notes"]
    assert submit(client, Patient, patient.pk, treatment_notes=lines.replace("\n", "\r\n")).status_code == 302
    assert Patient.objects.get().treatment_notes == lines
    assert "address" in submit(client, Location, name="Main", address="x" * (NOTE_LENGTH + 1)).context["adminform"].form.errors


@pytest.mark.parametrize("options", [["x" * (OPTION_LENGTH + 1)], [str(number) for number in range(MAX_OPTIONS + 1)]])
def test_options_have_limits_in_the_api_and_in_the_admin(clinic, api, options):
    values = {"name": "Side", "field_type": "dropdown"}
    answer = api().post(f"{clinic.base}/patient-field-definitions", {**values, "dropdown_options": options})
    assert (answer.status_code, answer.json()["detail"][0]["loc"][:2]) == (422, ["body", "dropdown_options"])
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = submit(client, FieldDefinition, **values, dropdown_options="\n".join(options))
    assert list(page.context["adminform"].form.errors) == ["dropdown_options"]
    assert not FieldDefinition.objects.filter(name="Side").exists()


def test_a_note_that_is_too_long_is_refused_in_a_synthea_table():
    check_lengths(Allergy, {"reaction": "x" * NOTE_LENGTH})
    with pytest.raises(RowRefused, match=f"reaction: is longer than {NOTE_LENGTH} characters"):
        check_lengths(Allergy, {"reaction": "x" * (NOTE_LENGTH + 1)})


# --- pages ------------------------------------------------------------------------------------------
def longest_row(view: type) -> int:
    """Return how many characters the long texts of a row in the lists of `view` have at most."""
    shown = PracticePatientOut if view is PatientViewSet else view.serializer_class
    lengths = [getattr(field, "max_length", None) or 0 for field in shown().fields.values()] if shown else []
    return sum(length for length in lengths if length >= COMMENT_LENGTH)


def test_a_page_of_the_usual_size_is_never_too_long():
    """Of patients, who have the most to tell, 80 are never too many, and of all others 199."""
    views = {view.cls for view in VIEWS.values() if "list" in view.actions.values()}
    longest = sorted((longest_row(view), view.__name__) for view in views)
    assert longest[-1] == (5 * NOTE_LENGTH, "PatientViewSet")
    assert 80 * longest[-1][0] <= MAX_PAGE_LENGTH < MAX_PAGE_SIZE * longest[-1][0]
    assert (MAX_PAGE_SIZE - 1) * longest[-2][0] <= MAX_PAGE_LENGTH
    assert all(view.page_size <= 80 for view in views if longest_row(view) > 2 * NOTE_LENGTH)


def test_a_page_of_rows_that_are_too_long_is_refused_and_a_smaller_one_read(clinic, monkeypatch):
    monkeypatch.setattr("config.rest.pagination.MAX_PAGE_LENGTH", 2 * COMMENT_LENGTH)
    clinic.catalog(Instrument, "Weight", code="weight")
    patients = [clinic.patient(treatment_notes="x" * COMMENT_LENGTH) for _ in range(3)]
    practice, public = Wire("practice", clinic), Wire("public", clinic)
    path = f"{public.patients}/{patients[0].uuid}/measurements"
    rows = [{"instrument": "weight", "value": 80 + one, "comment": "x" * COMMENT_LENGTH} for one in range(3)]
    assert public.client().post(path, {"measurements": rows}).json()["meta"]["created"] == 3
    for wire, address, size in ((practice, practice.patients, "page_size"), (public, path, "perPage")):
        read = AuditEvent.objects.count()
        assert wire.named(wire.client().get(address)) == [size]
        assert AuditEvent.objects.count() == read, "nothing has left"
        assert len(wire.client().get(address, {size: "2"}).json()["items" if wire is practice else "data"]) == 2
