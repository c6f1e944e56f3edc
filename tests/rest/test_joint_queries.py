"""Several querysets as one statement: every type comes back as the ORM alone would give it, in the order asked for."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Count, F, Window
from django.test.utils import CaptureQueriesContext

from clinical.models import Measurement, VitalSigns
from config.core.compiled_queries import compiled_queries, parameter
from config.core.joint_queries import Asked, JointQuery
from patients.models import Patient

FLAGS = [{"vital": "pulse", "message": "ø", "severity": "warning"}]
COLUMNS = ("uuid", "date_taken", "time_taken", "bmi", "pulse", "abnormal_flags", "is_procedure_blocking", "note", "created_at")


@dataclass(frozen=True)
class EntriesOfPatients(JointQuery):
    """Entries and rows of two patients, by several querysets; a limit shapes the SQL."""

    first: Any = parameter(BigIntegerField())
    last: Any = parameter(BigIntegerField())
    limit: int = 2

    def asked(self) -> Mapping[str, Asked]:
        both = Patient.objects.filter(pk__gte=self.first, pk__lte=self.last)
        named = both.annotate(group=F("care_group__name"), total=Window(Count("*")))
        signs = VitalSigns.objects.filter(patient_id=self.first).order_by("-id")
        measured = Measurement.objects.filter(patient_id=self.first).order_by("id")
        return {
            "signs": Asked(signs, COLUMNS),
            "never": Asked(Patient.objects.none(), ("pk",)),
            "measured": Asked(measured, ("measured_at", "value_number")),
            "last": Asked(named.order_by("-pk")[: self.limit], ("last_name", "group", "pk", "id", "total")),
            "none": Asked(Patient.objects.filter(pk=0), ("pk",)),
        }


def test_every_type_comes_back_as_the_model_gives_it(clinic):
    patient = clinic.patient()
    given = {"time_taken": datetime.time(9, 5), "bmi": Decimal("28.10"), "abnormal_flags": FLAGS, "note": 'a\n"b" %s ø'}
    clinic.entry(VitalSigns, patient, **given)
    clinic.entry(VitalSigns, patient, pulse=70)
    clinic.entry(Measurement, patient, value_number=Decimal("84.125"))
    signs, measured = VitalSigns.objects.order_by("-id"), Measurement.objects.order_by("id")
    found = EntriesOfPatients(patient.pk, patient.pk).answers()
    assert found["signs"] == list(signs.values_list(*COLUMNS))
    assert found["measured"] == list(measured.values_list("measured_at", "value_number"))
    assert [type(value) for value in found["signs"][1]] == [type(value) for value in signs.values_list(*COLUMNS)[1]]


def test_rows_keep_their_order_names_and_limit_in_one_statement(clinic):
    patients = [clinic.patient(last_name=f"Joint {number}") for number in range(4)]
    with CaptureQueriesContext(connection) as queries:
        found = EntriesOfPatients(patients[0].pk, patients[-1].pk).answers()
    assert len(queries) == 1
    assert [(row.last_name, row.group, row.total, row.id == row.pk) for row in found["last"]] == [
        ("Joint 3", None, 4, True),
        ("Joint 2", None, 4, True),
    ]
    assert found["none"] == found["never"] == []


def test_what_can_find_nothing_is_not_run():
    @dataclass(frozen=True)
    class Nothing(JointQuery):
        def asked(self) -> Mapping[str, Asked]:
            return {"never": Asked(Patient.objects.none(), ("pk",))}

    # Without a database.
    assert Nothing().answers() == {"never": []}


def test_what_was_compiled_for_one_serves_another_but_not_another_limit(clinic):
    patients = [clinic.patient(last_name=f"Again {number}") for number in range(4)]
    first, last = patients[0].pk, patients[-1].pk
    of_all, of_one = EntriesOfPatients(first, last), EntriesOfPatients(first, first)
    longer = EntriesOfPatients(first, last, limit=3)
    of_all.answers()
    assert [row.last_name for row in of_one.answers()["last"]] == ["Again 0"]
    assert compiled_queries.get(of_one) is compiled_queries.get(of_all)
    assert len(longer.answers()["last"]) == 3
    assert compiled_queries.get(longer) is not compiled_queries.get(of_all)
