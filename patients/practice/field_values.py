"""Custom field values of patients in the practice dialect."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.permissions import Permission
from config.core.exceptions import Invalid
from config.rest import practice
from config.rest.compiled.plans import Computed
from config.rest.compiled.queries import NOT_ARCHIVED, Query, Where
from config.rest.fields import Choice, ContractSerializer, Reference, ScopedRelation, TextList, find_ids, require_id
from config.rest.openapi import BOOLEAN
from config.rest.pagination import Envelope
from config.rest.problems import Problem, Rejected
from config.rest.responses import ApiResponse
from patients.models import FieldDefinition, FieldType, FieldValue
from patients.practice.charts import ChartViewSet
from patients.services.field_values import set_field_values

MAX_FIELDS = 200
# As the organization orders its fields. A patient has one value of each, so that the order is total.
ORDER = tuple(f"field_definition__{column}" for column in FieldDefinition._meta.ordering or ())
FILLED = Where(Q(value__isnull=False))
CLEARED = Computed(lambda actor, value: value is None, ("value",), schema=BOOLEAN)
FORM_COLUMNS = ("pk", "uuid", "name", "field_type", "is_required", "dropdown_options", "item_order")


class PracticeFieldValueOut(ContractSerializer):
    """What a custom field of a patient holds: null once it has been cleared."""

    id = serializers.UUIDField(source="uuid")
    field_definition = practice.ReferenceField(FieldDefinition, source="field_definition_id")
    value = serializers.JSONField()

    class Meta:
        model = FieldValue
        fields = ["id", "field_definition", "value", "version", "updated_at"]


class PracticeDefinitionOut(serializers.Serializer):
    """A custom field, as a reference."""

    uuid = serializers.UUIDField()
    name = serializers.CharField()


class PracticeFormFieldOut(serializers.Serializer):
    """A custom field and what it holds; `version` is null where it never held anything."""

    field_definition = PracticeDefinitionOut()
    name = serializers.CharField()
    field_type = Choice(choices=FieldType.choices)
    is_required = serializers.BooleanField()
    dropdown_options = TextList(allow_null=True)
    item_order = serializers.IntegerField()
    value = serializers.JSONField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)


class PracticeFieldFormOut(serializers.Serializer):
    """A form of all custom fields."""

    items = PracticeFormFieldOut(many=True)


class PracticeFieldValueIn(serializers.Serializer):
    """What one custom field shall hold, as its type has it; null clears it."""

    field_definition_uuid = ScopedRelation(FieldDefinition)
    value = serializers.JSONField(allow_null=True)


class PracticeFieldValuesIn(serializers.Serializer):
    """The body that sets custom fields."""

    # No property, but a field.
    fields: Any = serializers.ListSerializer(child=PracticeFieldValueIn(), max_length=MAX_FIELDS)


class FieldValueViewSet(ChartViewSet):
    """What the custom fields of a patient hold."""

    model = FieldValue
    lookup_url_kwarg = "value_uuid"
    permissions = {
        "upsert": Permission.WRITE_PATIENTS,
        "list": Permission.READ_STAFF_ONLY,
        "retrieve": Permission.READ_STAFF_ONLY,
        "form": Permission.READ_STAFF_ONLY,
    }
    request_serializer_classes = {"upsert": PracticeFieldValuesIn}
    envelopes: ClassVar[dict[str, type[Envelope]]] = {"upsert": practice.PlainList}
    ordering = ORDER
    page_size = 100

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        many = f"patients/<patient_uuid>/{name}"
        return [
            path(many, cls.as_view({"get": "list", "put": "upsert"})),
            path(f"{many}/form", cls.as_view({"get": "form"})),
            path(f"{many}/<{cls.lookup_url_kwarg}>", cls.as_view({"get": "retrieve"})),
        ]

    def get_serializer_class(self):
        return PracticeFieldFormOut if self.action == "form" else PracticeFieldValueOut

    def patient_columns(self) -> tuple[int, ...]:
        """Return none: no row here is about another patient than the one of the path."""
        return ()

    def get_queryset(self) -> Query:
        query = super().get_queryset()
        return query.filter(FILLED) if self.action == "list" else query

    @extend_schema(operation_id="get_field_form")
    def form(self, request, *args, **kwargs) -> ApiResponse:
        """Get the form of all custom fields, with what they hold."""
        values = self.get_queryset().rows(("field_definition_id", "value", "version"))
        held = {pk: rest for pk, *rest in values}
        definitions = self.scoped_query(FieldDefinition).filter(NOT_ARCHIVED)
        rows = definitions.rows(FORM_COLUMNS, tuple(map(str, FieldDefinition._meta.ordering or ())))
        self.audit_read([])
        return ApiResponse({"items": [form_field(*columns, *held.get(pk, (None, None))) for pk, *columns in rows]})

    @extend_schema(operation_id="set_field_values")
    def upsert(self, request, *args, **kwargs) -> ApiResponse:
        """Set custom fields of a patient, all of them or none."""
        payload = request.data
        with transaction.atomic():
            fields = self.get_valid_serializer(payload).validated_data["fields"]
            references = [field["field_definition_uuid"] for field in fields]
            ids = self._definition_ids(references)
            self._set(dict(zip(ids, (field["value"] for field in fields), strict=True)))
            return ApiResponse(self._values(ids))

    def _definition_ids(self, references: Sequence[Reference]) -> Sequence[int]:
        """Return the ids of the definitions that `references` name, each once."""
        repeated = [index for index, reference in enumerate(references) if reference in references[:index]]
        if repeated:
            raise Rejected(
                [problem(index, "field_definition_uuid", "This field stands in the list twice.") for index in repeated]
            )
        found = find_ids(references, self.actor, self.organization_id)
        return [require_id(found.get(reference), reference, "field_definition") for reference in references]

    def _set(self, values: dict[int, Any]) -> None:
        try:
            set_field_values(actor=self.actor, patient_id=self.patient_id, values=values)
        except Invalid as error:
            places = {str(pk): index for index, pk in enumerate(values)}
            raise Rejected([problem(places[pk], "value", faults[0]) for pk, faults in error.errors.items()]) from error

    def _values(self, definitions: Sequence[int]) -> Sequence[dict]:
        """Return the values of these definitions, in their order."""
        plan = self.response_plan
        query = self.get_queryset().filter(field_definition_id__anyof=definitions)
        rows = query.rows(plan.columns.plus(models.F("field_definition_id")))
        return plan.objects(sorted(rows, key=lambda row: definitions.index(row[-1])), self.actor)


def form_field(
    uuid: Any, name: str, field_type: str, is_required: bool, dropdown_options: Any, item_order: int, value: Any, version: Any
) -> dict[str, Any]:
    """Return one field of the form: the columns of a definition, and the patient's value."""
    return {
        "field_definition": practice.reference(str(uuid), name),
        "name": name,
        "field_type": field_type,
        "is_required": is_required,
        "dropdown_options": dropdown_options,
        "item_order": item_order,
        "value": value,
        "version": version,
    }


def problem(index: int, part: str, message: str) -> Problem:
    """Return what is wrong with a part of one of the fields in a body."""
    return Problem(422, "value_error", message, "body", ("fields", index, part))
