"""`manage.py import_patients`: CSV files, by the rules of the API."""

import csv
import io
import random
import stat
import uuid
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, OutboxEvent
from config.core.tables import Table, open_table
from config.rest.bulk_reader import BulkReader
from patients.bulk_import import CHUNK
from patients.import_files import CODES, PHONES, ErrorFile, FileRow
from patients.input_serializers import ImportedPatient
from patients.models import Patient

# Values that no rule lets through.
SPOILT = {"last_name": "", "date_of_birth": "2999-01-01", "gender": "F"}
NAMES = [
    "Zoë",
    "Søren",
    "O'Brien",
    "Nguyễn",
    "José María",
    "李",
    "d'Été-Lefèvre",
    "Ægir",
    "Łukasz",
    'Anne "Annie"',
    "de la Cruz, Jr.",
]


class Outcome:
    """What a run said, and whether it ended well."""

    def __init__(self, clinic, path: Path, **options):
        out, err = io.StringIO(), io.StringIO()
        self.failure = ""
        try:
            call_command("import_patients", path, organization=clinic.organization.slug, stdout=out, stderr=err, **options)
        except CommandError as error:
            self.failure = str(error)
        self.out, self.err = out.getvalue(), err.getvalue()


@pytest.fixture
def write(tmp_path):
    """Return `write(text)`, which makes people.csv."""

    def make(content: str | bytes) -> Path:
        path = tmp_path / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def complaints(path: Path) -> list[tuple[str, str, str]]:
    """Return (line, field, message) of each error in the file beside `path`."""
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        return [(row["line"], row["field"], row["message"]) for row in csv.DictReader(file)]


def test_rows_become_patients(clinic, write):
    run = Outcome(
        clinic,
        write(
            "first_name,last_name,date_of_birth,receives_sms,consent_flags,chart_number,status,balance_0_30,payment_plan_due\n"
            "Zoë,O'Brien,1980-02-29,Yes,3,HV-1,prospective,12.5,-3\n"
            '"de ""la"" Cruz","two\nlines",,0, 4 ,,,,\n'
        ),
    )
    assert (run.failure, run.out) == ("", "2 rows: 2 created.\n")
    first, second = Patient.objects.order_by("id")
    assert (first.first_name, str(first.date_of_birth), first.receives_sms, first.consent_flags) == ("Zoë", "1980-02-29", True, 3)
    assert (first.status, first.balance_0_30, first.payment_plan_due) == ("prospective", Decimal("12.50"), Decimal("-3.00"))
    assert (second.first_name, second.last_name) == ('de "la" Cruz', "two\nlines")
    assert (second.receives_sms, second.consent_flags) == (False, 4)
    assert (second.date_of_birth, second.chart_number, second.status) == (None, None, "active")
    event = AuditEvent.objects.get(action="patient.bulk_create")
    assert (event.route, event.organization_id, event.user_id) == ("manage.py import_patients", clinic.organization.pk, None)
    assert OutboxEvent.objects.filter(type="patient.created").count() == 2


def test_bad_rows_are_named_in_a_file_beside_and_do_not_stop_the_others(clinic, write):
    path = write(
        "first_name,last_name,gender,email\n"
        "Ann,Lee,female,\n"
        "\n"
        ",Poe,x,nobody\n"
        '"Two\nlines",Low,,\n'
        "Bob,Ray,other,bob@example.org,more\n"
        "Cy\n"
        ",,,\n"
        "Dee,Day,female,\n"
    )
    run = Outcome(clinic, path)
    assert run.out == "6 rows: 3 created, 3 failed.\n"
    assert run.failure == f"3 rows failed; {path.with_suffix('.errors.csv')} names them."
    assert sorted(complaints(path)) == [
        ("4", "email", "Enter a valid email address."),
        ("4", "first_name", "This field is required."),
        ("4", "gender", '"x" is not a valid choice.'),
        ("7", "", "has 5 cells where the header has 4"),
        ("8", "", "has 1 cells where the header has 4"),
    ]
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["line", "field", "message", "first_name", "last_name", "gender", "email"]
    assert [row[3:] for row in rows if row[0] == "4"] == [["", "Poe", "x", "nobody"]] * 3
    assert stat.S_IMODE(path.with_suffix(".errors.csv").stat().st_mode) == 0o600


def test_a_good_run_leaves_no_error_file_not_even_an_old_one(clinic, write):
    path = write("first_name,last_name\nAnn,\n")
    assert Outcome(clinic, path).failure
    assert path.with_suffix(".errors.csv").exists()
    path = write("first_name,last_name\nAnn,Lee\n")
    assert not Outcome(clinic, path).failure
    assert not path.with_suffix(".errors.csv").exists()


def test_a_dry_run_tells_all_and_writes_nothing(clinic, write):
    clinic.patient(chart_number="HV-1")
    before = AuditEvent.objects.count(), Patient.objects.count(), OutboxEvent.objects.count()
    path = write("first_name,last_name,chart_number\nAnn,Lee,HV-1\nBob,Ray,HV-2\nCy,Low,HV-2\nDee,Day,\n")
    run = Outcome(clinic, path, dry_run=True)
    assert run.out == "Dry run, nothing was written: 4 rows: 2 failed, 2 validated.\n"
    assert [line for line, field, message in complaints(path)] == ["2", "4"]
    assert (AuditEvent.objects.count(), Patient.objects.count(), OutboxEvent.objects.count()) == before


def test_a_group_is_for_new_patients_whose_row_names_none(clinic, write):
    text = f"first_name,last_name,care_group_uuid\nAnn,Lee,\nBob,Ray,{clinic.other_group.uuid}\n"
    assert not Outcome(clinic, write(text), group=clinic.group.name.upper()).failure
    assert list(Patient.objects.order_by("id").values_list("care_group", flat=True)) == [clinic.group.pk, clinic.other_group.pk]
    assert "has no care group of this name" in Outcome(clinic, write(text), group="Nobody").failure


@pytest.mark.parametrize("match_on", ["uuid", "chart_number"])
def test_rows_update_whom_they_name(clinic, neighbour, write, match_on):
    patient, foreign = clinic.patient(chart_number="HV-1", city="Old"), neighbour.patient(chart_number="HV-2")
    path = write(f"{match_on},city,state,base_version\n{getattr(patient, match_on)},New,,1\n{getattr(foreign, match_on)},New,,\n")
    run = Outcome(clinic, path, mode="update", match_on=match_on)
    assert run.out == "2 rows: 1 updated, 1 failed.\n"
    assert complaints(path) == [("3", "", "Patient not found")]
    patient.refresh_from_db()
    assert (patient.city, patient.version) == ("New", 2)


def test_the_same_file_twice_changes_nothing_the_second_time(clinic, write):
    path = write("first_name,last_name,chart_number,balance_total\nAnn,Lee,HV-1,5\nBob,Ray,HV-2,7.10\n")
    assert Outcome(clinic, path, mode="upsert").out == "2 rows: 2 created.\n"
    assert Outcome(clinic, path, mode="upsert").out == "2 rows: 2 skipped.\n"
    assert set(Patient.objects.values_list("version", flat=True)) == {1}


# --- files that cannot be imported ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty"),
        ("first_name,LastName\nA,B\n", "no such columns: LastName. Known are: address_line1"),
        ("first_name\nA\n", "columns are missing: last_name"),
        ("first_name,last_name,First Name\nA,B,C\n", "more than once: first_name"),
        ("first_name;last_name;shoe_size\nA;B;C\n", "no such columns: shoe_size. Known are"),
        (b"PK\x03\x04", "it is a workbook"),
        (b"first_name,last_name\xff\nA,B\n", "header is not UTF-8"),
        ('first_name,"last_name\nA,B\n', "header cannot be read as CSV"),
        ("first_name,last_name,account_name,billing_account\nA,B,C,D\n", "no such columns: account_name, billing_account"),
    ],
)
def test_a_file_without_a_good_header_is_refused_whole(clinic, write, content, words):
    path = write(content)
    run = Outcome(clinic, path)
    assert str(path) in run.failure
    assert words in run.failure
    assert not Patient.objects.exists()
    assert not path.with_suffix(".errors.csv").exists()


NEEDED = [("create", "first_name, last_name"), ("update", "uuid"), ("upsert", "first_name, last_name, uuid")]


@pytest.mark.parametrize(("mode", "missing"), NEEDED)
def test_columns_without_which_nothing_can_be_done_are_asked_for(clinic, write, mode, missing):
    run = Outcome(clinic, write("city\nA\n"), mode=mode, match_on="uuid")
    assert f"columns are missing: {missing}." in run.failure


def test_a_file_that_is_not_there_is_said_so(clinic, tmp_path):
    assert "No such file" in Outcome(clinic, tmp_path / "none.csv").failure
    assert "Is a directory" in Outcome(clinic, tmp_path).failure


def test_an_unknown_organization_is_said_so(clinic, write):
    with pytest.raises(CommandError, match="no organization with the slug nowhere"):
        call_command("import_patients", write("first_name,last_name\n"), organization="nowhere")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_line_ends_are_taken(clinic, write, end):
    assert not Outcome(clinic, write(b"\xef\xbb\xbf" + f"first_name,last_name{end}Ann,Lee{end}".encode())).failure
    assert Patient.objects.get().full_name == "Ann Lee"


@pytest.mark.parametrize("spoilt", [b"An\xe9", b"An\x00n", "An\ufffen".encode("utf-16-le", "surrogatepass")[:3]])
def test_bytes_that_are_not_text_spoil_their_own_row_only(clinic, write, spoilt):
    path = write(b"first_name,last_name\nAnn,Lee\n" + spoilt + b",Poe\nBob,Ray\n")
    assert Outcome(clinic, path).out == "3 rows: 2 created, 1 failed.\n"
    with path.with_suffix(".errors.csv").open("rb") as file:
        content = file.read()
    assert b'first_name,"is not UTF-8 text: save the file as CSV in UTF-8, or name its encoding (windows-1252' in content
    assert spoilt in content  # the row as it was


def test_a_quote_that_never_ends_names_all_lines_that_were_not_read(clinic, write):
    path = write('first_name,last_name\nAnn,Lee\nBob,"Ray\nCy,Low\nDee,Day\n')
    run = Outcome(clinic, path)
    assert run.out == "4 rows: 1 created, 3 failed.\n"
    assert run.failure.endswith(".errors.csv names them. Nothing was read from line 3 on.")
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [(row[0], row[3:]) for row in rows] == [("3", ['Bob,"Ray']), ("4", ["Cy,Low"]), ("5", ["Dee,Day"])]
    assert {row[2] for row in rows} == {"not read: a quote is opened in the row on line 3 and never closed"}


def test_rows_that_a_later_quote_has_swallowed_are_counted_and_in_the_error_file_line_by_line(clinic, write):
    path = write('first_name,last_name,city\n"Qa,Quote,Q1\nQb,Quote,Q2\nQc,Quote",Q3\nAnn,Lee,\n')
    assert Outcome(clinic, path).out == "4 rows: 1 created, 3 failed.\n"
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [(row[0], row[3:]) for row in rows] == [("2", ['"Qa,Quote,Q1']), ("3", ["Qb,Quote,Q2"]), ("4", ['Qc,Quote",Q3'])]
    assert all(row[2].startswith("lines 2 to 4 are not read: ") for row in rows)


# --- files as spreadsheets save them ---------------------------------------------------------------

PERSON = {
    "First Name": "René",
    "Last Name": "'t Hooft",
    "Date of Birth": "3-4-1961",
    "Chart Number": "0012",
    "balance_total": "12,50",
}


def saved(rows: list[dict[str, str]], *, separator: str = ";") -> str:
    """Return the table that a spreadsheet makes of `rows`, with what it adds."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([[*rows[0], "", ""], *([*row.values(), "", ""] for row in rows), [""] * (len(rows[0]) + 2)])
    return text.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_with_local_dates_and_decimal_commas_is_read_by_the_order_of_its_dates(clinic, write, encoding):
    path = write(saved([PERSON]).encode(encoding))
    named = {"encoding": encoding} if encoding == "cp1252" else {}
    assert Outcome(clinic, path, date_order="dmy", **named).failure == ""
    patient = Patient.objects.get()
    assert (patient.first_name, patient.last_name, patient.chart_number) == ("René", "'t Hooft", "0012")
    assert (str(patient.date_of_birth), patient.balance_total) == ("1961-04-03", Decimal("12.50"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_error_file_is_a_table_like_the_imported_one(clinic, write, encoding):
    path = write(saved([PERSON]).encode(encoding))
    assert "1 rows failed" in Outcome(clinic, path).failure
    with path.with_suffix(".errors.csv").open(encoding=encoding, newline="") as file:
        (row,) = csv.DictReader(file, delimiter=";")
    assert (row["line"], row["field"], row[next(iter(PERSON))]) == ("2", "date_of_birth", "René")
    assert row["message"] == "is not of the form YYYY-MM-DD: name the order of day, month and year"


def test_a_message_that_the_encoding_of_the_file_cannot_say_is_written_all_the_same(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"first_name,last_name\nRen\xe9,\x81\n")
    with open_table(path, "cp1252") as file, ErrorFile(path, table := Table(file, ["first_name", "last_name"])) as errors:
        (row,) = table
        errors.write(FileRow(row.line, row.cells, {}, {}), "last_name", "a → b")
    assert path.with_suffix(".errors.csv").read_bytes().splitlines()[1] == b"2,last_name,a \\u2192 b,Ren\xe9,\\udc81"


# What a spreadsheet makes of the values of columns, and what is said of it.
DESTROYED = {
    "chart_number": ("1.23E+05", "scientific notation"),
    "emergency_contact_phone": ("6.12E+08", "scientific notation"),
    "home_phone": ("31612345678.0", "as a number, with decimals"),
    "medicaid_id": ("1-Mar", "is a date"),
    "mobile_phone": ("#####", "error of a spreadsheet"),
    "postal_code": ("1234.0", "as a number, with decimals"),
    "social_security_number": ("1,23457E+08", "scientific notation"),
    "work_phone": ("#N/A", "error of a spreadsheet"),
    "date_of_birth": ("44197", "a number, not a date"),
    "date_first_visit": ("03/04/2021", "name the order of day, month and year"),
    "date_time_deceased": ("3-4-21", "year of two digits"),
    "city": ("#REF!", "error of a spreadsheet"),
    "balance_total": ("12,5", "where semicolons separate"),
    "consent_flags": ("#VALUE!", "error of a spreadsheet"),
}


def test_a_destroyed_value_fails_its_row_by_the_name_of_the_column(clinic, write):
    rows = [
        {"first_name": "Ann", "last_name": "Lee", **dict.fromkeys(DESTROYED, ""), name: cell}
        for name, (cell, _) in DESTROYED.items()
    ]
    run = Outcome(clinic, path := write(saved(rows, separator=",")))
    assert run.out == f"{len(rows)} rows: {len(rows)} failed.\n"
    told = complaints(path)
    assert [field for _, field, _ in told] == list(DESTROYED)
    for _, field, message in told:
        assert DESTROYED[field][1] in message
    assert not Patient.objects.exists()


def test_an_apostrophe_before_a_code_or_a_date_is_the_spreadsheets_and_before_a_name_is_part_of_it(clinic, write):
    codes = {"chart_number": "'0012", "mobile_phone": "'+31612345678", "care_group_uuid": f"'{clinic.group.uuid}"}
    path = write(saved([{"first_name": "Ann", "last_name": "'t Hooft", "date_of_birth": "'1961-04-03", **codes}]))
    assert Outcome(clinic, path).failure == ""
    patient = Patient.objects.get()
    assert (patient.last_name, patient.chart_number, patient.mobile_phone) == ("'t Hooft", "0012", "+31612345678")
    assert (str(patient.date_of_birth), patient.care_group_id) == ("1961-04-03", clinic.group.pk)


def test_every_column_of_codes_and_of_phones_is_one(clinic):
    fields = set(BulkReader(ImportedPatient).fields)
    assert fields > CODES
    assert {name for name in fields if name.endswith("phone")} == PHONES


@pytest.mark.parametrize(
    ("country", "row", "lost"),
    [
        ("US", {"social_security_number": "12345678"}, "fewer than 9 digits"),
        ("US", {"social_security_number": "1234567"}, "fewer than 9 digits"),
        ("US", {"social_security_number": "123456789"}, ""),
        ("US", {"social_security_number": "6789"}, ""),
        ("US", {"social_security_number": "123-45-678"}, ""),
        ("NL", {"social_security_number": "12345678"}, "fewer than 9 digits"),
        ("DE", {"social_security_number": "12345678"}, ""),
        ("US", {"postal_code": "2155"}, "fewer than 5 digits"),
        ("US", {"postal_code": "02155"}, ""),
        ("US", {"postal_code": "2155", "country": "BE"}, ""),
        ("BE", {"postal_code": "2155", "country": "usa"}, "fewer than 5 digits"),
        ("NL", {"postal_code": "2155"}, ""),
    ],
)
def test_a_number_that_has_lost_zeros_is_refused_where_its_length_is_known(clinic, write, country, row, lost):
    clinic.organization.country = country
    clinic.organization.save()
    path = write(saved([{"first_name": "Ann", "last_name": "Lee", **row}], separator=","))
    assert Outcome(clinic, path).out == f"1 rows: 1 {'failed' if lost else 'created'}.\n"
    assert not lost or lost in complaints(path)[0][2]


def test_cells_of_blanks_are_empty_and_words_for_true_are_those_of_the_platforms_languages(clinic, write):
    path = write(
        "first_name,last_name,city,date_of_birth,receives_sms,consent_flags\nAnn,Lee, ,\xa0,WAAR,3.0\nBob,Ray,,,FALSCH,\n"
    )
    assert Outcome(clinic, path).failure == ""
    ann, bob = Patient.objects.order_by("pk")
    assert (ann.city, ann.date_of_birth, ann.receives_sms, ann.consent_flags) == (None, None, True, 3)
    assert bob.receives_sms is False


@pytest.mark.parametrize(
    ("option", "told"), [("--date-order=ydm", "invalid choice"), ("--encoding=klingon", "no encoding called")]
)
def test_an_option_that_means_nothing_is_refused(clinic, write, option, told):
    with pytest.raises(CommandError, match=told):
        call_command(
            "import_patients", str(write("first_name,last_name\n")), f"--organization={clinic.organization.slug}", option
        )


def test_progress_is_shown_to_a_person(clinic, write, monkeypatch):
    rows = "".join(f"Ann{number},Lee\n" for number in range(3 * CHUNK))
    path = write("first_name,last_name\n" + rows)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    call_command("import_patients", path, organization=clinic.organization.slug, stdout=io.StringIO(), stderr=terminal)
    shown = terminal.getvalue().split("\r")
    assert [part.split()[-2:] for part in shown[1:]] == [[f"{count:,}", "rows"] for count in (CHUNK, 2 * CHUNK, 3 * CHUNK)]
    assert "100%" in shown[-1]
    assert Outcome(clinic, write("first_name,last_name\nA,B\n")).err == ""


# --- a thousand people ------------------------------------------------------------------------------


def people(chance: random.Random, count: int) -> list[dict[str, str]]:
    """Return people as a generator of synthetic records makes them: odd names, gaps, and some of them twice."""
    made: list[dict[str, str]] = []
    for number in range(count):
        if made and chance.random() < 0.04:
            made.append(dict(chance.choice(made)))
            continue
        died = chance.random() < 0.1
        made.append(
            {
                "chart_number": str(uuid.UUID(int=chance.getrandbits(128))),
                "title": chance.choice(["", "Mr.", "Ms.", "Dr."]),
                "first_name": chance.choice(NAMES) + str(number),
                "last_name": chance.choice(NAMES),
                "date_of_birth": "" if chance.random() < 0.1 else f"19{chance.randrange(10, 99)}-{chance.randrange(1, 13):02}-11",
                "status": "deceased" if died else "active",
                "date_time_deceased": "2020-03-04T05:06:07Z" if died else "",
                "gender": chance.choice(["female", "male", "unknown", ""]),
                "social_security_number": f"999-{chance.randrange(10, 99)}-{chance.randrange(1000, 9999)}",
                "address_line1": f'{number} Main St\nApt "{number}"',
                "mobile_phone": chance.choice(["", "555-0100", "+1 202 555 0143", "n/a"]),
                "balance_total": f"{chance.randrange(0, 90_000) / 100:.2f}",
            }
        )
    for number in chance.sample(range(count), 20):
        made[number] = {**made[number], **dict([chance.choice(list(SPOILT.items()))])}
    return made


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_people_come_in_and_the_rest_is_told_readably(clinic, tmp_path, seed):
    path, rows = tmp_path / "people.csv", people(random.Random(seed), 1_000)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)

    dry, run = Outcome(clinic, path, dry_run=True), Outcome(clinic, path)

    taken: set[str] = set()
    expected = Counter()
    for row in rows:
        if wrong := [name for name, value in SPOILT.items() if row[name] == value]:
            expected[wrong[0]] += 1
        elif row["chart_number"] in taken:
            expected["chart_number"] += 1
        else:
            taken.add(row["chart_number"])
    assert expected["chart_number"] > 20
    assert run.out == f"1,000 rows: {len(taken)} created, {1_000 - len(taken)} failed.\n"
    assert dry.out == f"Dry run, nothing was written: 1,000 rows: {1_000 - len(taken)} failed, {len(taken)} validated.\n"
    assert Counter(field for _, field, _ in complaints(path)) == expected
    assert Patient.objects.filter(organization=clinic.organization).count() == len(taken)
    stored = {patient.chart_number: patient for patient in Patient.objects.all()}
    for row in rows:
        if (patient := stored.get(row["chart_number"])) and patient.first_name == row["first_name"]:
            assert patient.address_line1 == row["address_line1"]
            assert str(patient.balance_total) == row["balance_total"]


@pytest.mark.parametrize("column", ["chart_number", "postal_code", "social_security_number", "medicaid_id"])
def test_a_date_in_a_column_of_codes_is_refused_and_phones_are_read_as_they_are_written(clinic, write, column):
    path = write(f"first_name;last_name;mobile_phone;{column}\nAnn;Lee;01.03.2026;\nBob;Ray;020.624.1111;01.03.2026\n")
    run = Outcome(clinic, path)
    assert run.out == "2 rows: 1 created, 1 failed.\n"
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        errors = {(row[1], row[2]) for row in csv.reader(file, delimiter=";") if row[0] != "line"}
    assert [name for name, _ in errors] == [column]
    assert all(message.startswith("is a date or a time that a spreadsheet has made of a code") for _, message in errors)


def test_a_column_without_a_name_is_read_as_nothing_and_a_cell_in_it_refuses_its_row(clinic, write):
    path = write("first_name,,last_name, ,city\nAnn,,Lee, ,Ghent\nBob,,Ray,x,Ghent\n")
    assert Outcome(clinic, path).out == "2 rows: 1 created, 1 failed.\n"
    assert Patient.objects.get(first_name="Ann").city == "Ghent"
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert rows == [["3", "", "has a cell in column 4, which has no name", "Bob", "", "Ray", "x", "Ghent"]]
