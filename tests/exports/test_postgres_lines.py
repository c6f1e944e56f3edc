"""Lines that PostgreSQL writes: byte for byte those that Python writes of the same rows."""

import csv
import datetime
import io
from decimal import Decimal
from zoneinfo import available_timezones

import pytest
from django.db import DataError, connection, models

from accounts.models import Organization, Role
from clinical.models import Measurement, MonitoringAlert
from config.rest.responses import to_json
from exports import registry
from exports.lines import LINE_FORMATS, LineStatement
from exports.registry import REPORTS
from exports.report_columns import LocalTime, local_text
from exports.writers import defused
from patients.models import MutationType, Patient, PatientMutation, Status
from tests.exports.rows import add_row, by_chunks_of, cells_of, stream
from tests.exports.test_report_lines import BY_PYTHON
from tests.exports.test_writers import EVERY
from tests.rest.test_builders import ROWS

pytestmark = pytest.mark.postgres
FORMS = pytest.mark.parametrize("form", LINE_FORMATS)
WRITTEN = [name for name in REPORTS if name not in BY_PYTHON]
TEXTS = [text for text in (*EVERY, "a\\b", "\x01\x1f\x7f", "\u2028<&>", "𝔸") if "\0" not in text]
# Days of which some have 23 or 25 hours, near the beginning of the records of clocks and far in the future too.
MOMENTS = [
    datetime.datetime(year, month, day, hour, 59, 59, 999_999, tzinfo=datetime.UTC)
    for year in (1901, 1938, 1969, 1996, 2024, 2037, 2090)
    for month, day in ((1, 1), (3, 31), (7, 15), (10, 27), (12, 31))
    for hour in (0, 1, 13)
]


def fetched(sql: str, *parameters) -> list:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


@pytest.mark.parametrize("way", ["guarded", "careful"])
def test_every_text_becomes_the_cell_that_python_makes_of_it(db, way):
    csv_cell, json_cell = (getattr(LINE_FORMATS[form], way)("text") for form in ("csv", "ndjson"))
    texts = "unnest(%s::text[]) WITH ORDINALITY AS texts (text, number)"
    sql = f"SELECT {csv_cell}, {json_cell} FROM {texts} ORDER BY number"  # noqa: S608
    expected = []
    for text in TEXTS:
        line = io.StringIO()
        csv.writer(line).writerow(["", defused(text)])
        expected.append((line.getvalue()[1:-2], to_json(text).decode()))
    assert fetched(sql, TEXTS) == expected


# The zones whose names PostgreSQL takes for their winter time: by the clocks of which place they go has changed since, too.
WINTER_TIMES = {"CET", "MET", "EET", "WET"}


def test_a_local_time_is_the_same_in_every_zone(db):
    zones = sorted(available_timezones())
    text = LocalTime("moment", "zone").sql.template.format("moment", "zone")
    sql = f"""
        SELECT zone, array_agg({text} ORDER BY moment)
        FROM unnest(%s::text[]) AS zones (zone), unnest(%s::timestamptz[]) AS moments (moment)
        WHERE zone <> ALL (%s) OR moment >= '1997-01-01'
        GROUP BY zone
    """  # noqa: S608
    found = dict(fetched(sql, zones, MOMENTS, list(WINTER_TIMES)))
    for zone in zones:
        moments = [moment for moment in MOMENTS if zone not in WINTER_TIMES or moment.year >= 1997]
        assert found[zone] == [local_text(moment, zone) for moment in moments], zone


def fill(row: models.Model, text: str) -> None:
    """Put `text` into the texts of `row` that somebody typed."""
    typed = [
        field.name
        for field in row._meta.concrete_fields
        if type(field) in (models.CharField, models.TextField) and not field.choices and field.name != "timezone"
    ]
    type(row)._base_manager.filter(pk=row.pk).update(**dict.fromkeys(typed, text))


def written_by_python(monkeypatch, *asked) -> bytes:
    with monkeypatch.context() as patch:
        patch.setattr(registry, "on_postgres", lambda: False)
        return stream(*asked)


def measure(clinic, text: str) -> Measurement:
    """Add a measurement of a patient who is in a program, with alerts, the gravest of which is the second one."""
    row = clinic.entry(Measurement, clinic.enrolled(care_group_id=clinic.group.pk))
    measured = {"value_number": None, "value_choice": text} if text else {"value_number": Decimal("-0.500")}
    Measurement.objects.filter(pk=row.pk).update(**measured)
    for flag, status in (("grey", "processed"), ("red", "processed"), ("orange", "open"), ("red", "open")):
        alert = clinic.entry(MonitoringAlert, row.patient, measurement_id=row.pk, flag=flag, status=status)
        MonitoringAlert.objects.filter(pk=alert.pk).update(action=f"{text}{flag}", processed_at=alert.created_at)
    return row


def make_rows(clinic, name: str) -> None:
    """Add rows to a report: full ones and empty ones, and some whose texts a format has to write with care."""
    model = REPORTS[name].model
    for make in ROWS[model].values():
        make(clinic)
    if model is PatientMutation:
        for status in Status.values:
            mutation = add_row(clinic, name)
            PatientMutation.objects.filter(pk=mutation.pk).update(type=MutationType.STATUS, name=status)
    for text in ("=1+1", "-5.2", 'a "b", c\r\n;+d\\', "", "Zoë 日本 𝔸"):
        if model is Measurement:
            row = measure(clinic, text)
        else:
            row = add_row(clinic, name)
            fill(row, text)
        if hasattr(row, "patient"):
            Patient.objects.filter(pk=row.patient_id).update(**dict.fromkeys(("first_name", "middle_name", "last_name"), text))


@pytest.mark.parametrize("name", WRITTEN)
@FORMS
def test_the_database_writes_what_python_writes(clinic, neighbour, api, monkeypatch, name, form):
    make_rows(clinic, name)
    add_row(neighbour, name)
    by_chunks_of(3, monkeypatch)
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone="America/St_Johns")
    for role in (Role.HC_ADMIN, Role.HC_VIEW_ALL, Role.HC_PRIMARY, Role.FC_ADMIN):
        asked = (api(role), name, form)
        content = stream(*asked)
        assert content == written_by_python(monkeypatch, *asked)
        assert content.count(b"\n") > len(ROWS[REPORTS[name].model]), role


@FORMS
def test_python_writes_the_chunk_that_the_database_cannot_write(clinic, api, monkeypatch, form):
    """Its time zones may be older than those of Python."""
    by_chunks_of(2, monkeypatch)
    for _ in range(5):
        add_row(clinic, "starRatings")
    whole, read, times = stream(api(), "starRatings", form), LineStatement.read, iter(range(9))

    def read_or_fail(*asked):
        if next(times) == 1:
            raise DataError('time zone "America/Coyhaique" not recognized')
        return read(*asked)

    monkeypatch.setattr(LineStatement, "read", read_or_fail)
    assert stream(api(), "starRatings", form) == whole
    assert next(times) > 2


def test_the_statement_is_planned_for_each_chunk(clinic, api, monkeypatch):
    """Planned once for any values, it would read all that is left of a long report for each of its chunks."""
    by_chunks_of(1, monkeypatch)
    for _ in range(8):
        add_row(clinic, "starRatings")
    assert len(cells_of(stream(api(), "starRatings", "csv"))) == 8
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"
    assert fetched(prepared, "%string_agg(line%") == [(0,)]
    assert fetched(prepared, "%") > [(0,)]
