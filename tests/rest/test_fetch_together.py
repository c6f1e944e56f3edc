"""Several queries at once: what each would give alone, in one round trip."""

import datetime

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from clinical.models import VitalSigns
from config.core.compiled_queries import fetch_together
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import Query, Where
from patients.models import Patient
from tests.rest.test_builders import ROWS, WITH_ROWS

NO_ROWS = Where(Q(pk=0))
IMPOSSIBLE = Where(Q(pk__in=[]))


@pytest.mark.parametrize("serializer_class", WITH_ROWS, ids=lambda serializer_class: serializer_class.__name__)
def test_rows_that_are_fetched_together_are_those_that_are_fetched_alone(clinic, serializer_class):
    """Of every type that an answer shows: on PostgreSQL they come by another way than the single ones."""
    plan = response_plan(serializer_class)
    for kind in ("full", "empty"):
        ROWS[plan.model][kind](clinic)
    query, order = Query(plan.model), ("id",)
    alone = query.rows(plan.columns, order)
    together, last = fetch_together([query.bind(plan.columns, order), query.bind(("pk",), ("-id",), " LIMIT 1")])
    assert len(alone) >= 2
    assert together == alone
    assert last == [(alone[-1][0],)]


def test_json_has_its_own_types_again(clinic):
    flags, day = [{"vital": "pulse", "message": "ø", "severity": "warning"}], datetime.date(2024, 2, 29)
    entry = clinic.entry(VitalSigns, clinic.patient(), abnormal_flags=flags, date_taken=day)
    query = Query(VitalSigns).filter(id=entry.pk)
    columns = ("abnormal_flags", "date_taken", "bmi", "has_followup_plan")
    (rows,) = fetch_together([query.bind(columns)])
    assert rows == [(flags, day, None, False)]


def test_each_query_has_its_own_values_and_may_find_nothing(clinic):
    first, second = clinic.patient(), clinic.patient()
    queries = [Query(Patient).filter(id=one.pk) for one in (first, second)]
    empty = [Query(Patient, [none]) for none in (NO_ROWS, IMPOSSIBLE)]
    found = fetch_together([query.bind(("pk",)) for query in (queries[0], *empty, queries[1])])
    assert found == [[(first.pk,)], [], [], [(second.pk,)]]
    assert fetch_together([]) == []
    assert fetch_together([Query(Patient, [IMPOSSIBLE]).bind(("pk",))]) == [[]]


def test_one_statement_is_enough_where_there_is_a_way_to_save(clinic):
    clinic.patient()
    runs = [Query(Patient).bind(("pk",), ("id",)) for _ in range(3)]
    with CaptureQueriesContext(connection) as queries:
        fetch_together(runs)
    assert len(queries) == (1 if connection.vendor == "postgresql" else 3)


def test_columns_of_one_name_do_not_hide_each_other(clinic):
    patient = clinic.patient()
    query = Query(Patient).filter(id=patient.pk)
    twice = fetch_together([query.bind(("pk", "organization_id", "id")), query.bind(("pk",))])
    assert twice == [[(patient.pk, clinic.organization.pk, patient.pk)], [(patient.pk,)]]
