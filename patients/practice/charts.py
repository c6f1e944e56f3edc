"""Charts in the practice dialect: one view set, of which each kind of entry declares what is its own."""

from typing import Any, ClassVar

from django.urls import URLPattern, path
from rest_framework import serializers

from accounts.permissions import Task
from config.rest import practice
from config.rest.compiled.plans import Query
from config.rest.fields import ContractSerializer
from config.rest.responses import Answer
from patients.models import ChartEntry, ChartRecord, Patient
from patients.reading import OfPatient
from patients.services.charts import archive_entry, create_entry, update_entry


class ChartEntryOut(ContractSerializer):
    """Base of the answers that show an entry."""

    id = serializers.UUIDField(source="uuid")
    patient = practice.ReferenceField(Patient, ("first_name", "last_name"), source="patient_id")


class ChartViewSet(OfPatient, practice.ViewSet):
    """Entries of the chart of the patient whom the path names."""

    model: ClassVar[type[ChartEntry]]
    answer_class: ClassVar[type[ContractSerializer]]
    tasks = dict.fromkeys(("create", "partial_update", "archive"), Task.WRITE_PATIENTS)

    patient_kwarg = "patient_uuid"

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        """Return the lines of a table of contents for these entries, whose list is found under `name` of a patient."""
        many = f"patients/<patient_uuid>/{name}"
        return [
            path(many, cls.as_view({"get": "list", "post": "create"})),
            path(f"{many}/<{cls.pk_kwarg}>", cls.as_view({"get": "retrieve"})),
        ]

    def get_serializer_class(self):
        return self.answer_class

    def touched(self, rows: list[tuple]) -> list[tuple[int, int]]:
        """Return the patient of the path and all whom `rows` tell something about."""
        places = [self.answer_plan().columns.index(column) for column in self.model.others]
        others = {(row[1], row[place]) for row in rows for place in places if row[place] is not None}
        return sorted({*super().touched(rows), *others})

    def list(self, request, *args, **kwargs) -> Answer:
        return self.numbered_page(self.listed(), tuple(map(str, self.model._meta.ordering or ())))

    def listed(self) -> Query:
        """Return the query of the list: what is not archived, as far as the filters go."""
        return Query(self.model, [*self.in_scope(archived=False), *self.filters()])

    def retrieve(self, request, *args, **kwargs) -> Answer:
        row, entry = self.read_one(self.named_object())
        self.shown([row])
        return Answer(entry)

    def create(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        return create_entry(actor=self.actor, model=self.model, patient_id=self.patient_id, **values).pk


class ArchivedChartViewSet(ChartViewSet):
    """Entries that are archived."""

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        one = f"patients/<patient_uuid>/{name}/<{cls.pk_kwarg}>"
        return [*super().paths(name), path(f"{one}/archive", cls.as_view({"post": "archive"}))]

    def archive(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._archive)

    def _archive(self, values: dict[str, Any]) -> int:
        archive_entry(actor=self.actor, model=self.model, patient_id=self.patient_id, entry_id=self.object_id)
        return self.object_id


class ChartRecordViewSet(ArchivedChartViewSet):
    """Entries that are corrected by version, and archived."""

    model: ClassVar[type[ChartRecord]]

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        many, _, archive = super().paths(name)
        one = f"patients/<patient_uuid>/{name}/<{cls.pk_kwarg}>"
        return [many, path(one, cls.as_view({"get": "retrieve", "patch": "partial_update"})), archive]

    def partial_update(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._change)

    def _change(self, changes: dict[str, Any]) -> int:
        base_version = changes.pop("base_version")
        update_entry(
            actor=self.actor, model=self.model, patient_id=self.patient_id, entry_id=self.object_id,
            base_version=base_version, changes=changes,
        )  # fmt: skip
        return self.object_id
