"""Several querysets as one statement: every type comes back as the ORM alone would give it, in the order asked for."""

import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Count, F, Window
from django.test.utils import CaptureQueriesContext

from clinical.models import Measurement, VitalSigns
from config.core.joint_queries import Asked, fetch_jointly
from patients.models import Patient

FLAGS = [{"vital": "pulse", "message": "ø", "severity": "warning"}]
COLUMNS = ("uuid", "date_taken", "time_taken", "bmi", "pulse", "abnormal_flags", "is_procedure_blocking", "note", "created_at")


def test_every_type_comes_back_as_the_model_gives_it(clinic):
    patient = clinic.patient()
    given = {"time_taken": datetime.time(9, 5), "bmi": Decimal("28.10"), "abnormal_flags": FLAGS, "note": 'a\n"b" %s ø'}
    clinic.entry(VitalSigns, patient, **given)
    clinic.entry(VitalSigns, patient, pulse=70)
    clinic.entry(Measurement, patient, value_number=Decimal("84.125"))
    signs, measured = VitalSigns.objects.order_by("-id"), Measurement.objects.order_by("id")
    asked = {"signs": Asked(signs, COLUMNS), "measured": Asked(measured, ("measured_at", "value_number"))}
    found = fetch_jointly(asked)
    assert found["signs"] == list(signs.values_list(*COLUMNS))
    assert found["measured"] == list(measured.values_list("measured_at", "value_number"))
    assert [type(value) for value in found["signs"][1]] == [type(value) for value in signs.values_list(*COLUMNS)[1]]


def test_rows_keep_their_order_names_and_limit_in_one_statement(clinic):
    patients = [clinic.patient(last_name=f"Joint {number}") for number in range(4)]
    own = Patient.objects.filter(pk__in=[patient.pk for patient in patients]).annotate(
        group=F("care_group__name"), total=Window(Count("*"))
    )
    with CaptureQueriesContext(connection) as queries:
        found = fetch_jointly(
            {
                "last": Asked(own.order_by("-pk")[:2], ("last_name", "group", "pk", "id", "total")),
                "none": Asked(Patient.objects.filter(pk=0), ("pk",)),
                "never": Asked(Patient.objects.none(), ("pk",)),
            }
        )
    assert len(queries) == 1
    assert [(row.last_name, row.group, row.total, row.id == row.pk) for row in found["last"]] == [
        ("Joint 3", None, 4, True),
        ("Joint 2", None, 4, True),
    ]
    assert found["none"] == found["never"] == fetch_jointly({"never": Asked(Patient.objects.none(), ("pk",))})["never"] == []
