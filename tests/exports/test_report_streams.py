"""Reports by pages and as streams: the same rows once each, whatever arrives meanwhile, at the same number of statements."""

from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.models import Measurement
from exports import registry as reading
from exports.registry import REPORTS
from tests.exports.rows import OF_PATIENTS, add_row, by_chunks_of, cells_of, lines_of, page, parameters_for, stream, walk, who
from tests.rest.test_query_ledger import SIZES, Cost, statements


@pytest.mark.parametrize("name", REPORTS)
def test_a_stream_is_all_the_pages_one_after_the_other(clinic, api, monkeypatch, name):
    by_chunks_of(2, monkeypatch)
    for _ in range(7):
        add_row(clinic, name)
    rows = walk(api(), name, 3)
    assert len(rows) >= 7
    assert rows == page(api(), name) == lines_of(stream(api(), name, "ndjson"))
    as_text = [{column: "" if value is None else str(value) for column, value in row.items()} for row in rows]
    assert cells_of(stream(api(), name, "csv")) == as_text


@pytest.mark.parametrize("name", REPORTS)
def test_a_superadmins_stream_is_one_organization_after_the_other_and_what_belongs_to_none(clinic, neighbour, api, name):
    made = [add_row(of, name) for of in (neighbour, clinic, neighbour)]
    rows = lines_of(stream(api(Role.FC_ADMIN), name, "ndjson"))
    assert sorted(rows, key=str) == sorted(page(api(Role.FC_ADMIN), name), key=str)
    about = [who(name, row) for row in rows]
    ordered = sorted((row.organization_id, about.index(who(name, row))) for row in made)
    assert ordered == sorted(ordered, key=lambda place: place[1])


@pytest.mark.parametrize("name", REPORTS)
def test_pages_stay_as_they_are_while_rows_arrive(clinic, api, name):
    for _ in range(5):
        add_row(clinic, name)
    before, address = walk(api(), name, 200), f"/v1/export/{name}"
    first = api().get(address, parameters_for(name, perPage=3)).json()
    arrived = [who(name, add_row(clinic, name)) for _ in range(4)]
    again = api().get(address, parameters_for(name, perPage=3)).json()
    second = api().get(address, parameters_for(name, perPage=3, cursor=first["meta"]["nextCursor"])).json()
    back = api().get(address, parameters_for(name, perPage=3, cursor=second["meta"]["prevCursor"])).json()
    assert first["data"] == again["data"] == back["data"] == before[:3]
    assert second["data"][: len(before) - 3] == before[3:6]
    after = [who(name, row) for row in walk(api(), name, 3)]
    assert after == [who(name, row) for row in before] + arrived


@pytest.mark.parametrize(("scheme", "forwarded"), [("https", {"X-Forwarded-Proto": "https"}), ("http", {})])
def test_addresses_of_pages_name_the_server_as_the_client_does(clinic, api, settings, scheme, forwarded):
    """Also where a proxy has taken TLS off. Those of the patients' list are relative, as in its document."""
    settings.SECURE_PROXY_SSL_HEADER, settings.ALLOWED_HOSTS = ("HTTP_X_FORWARDED_PROTO", "https"), ["clinic.example"]
    for _ in range(2):
        clinic.patient()
    headers = {"Host": "clinic.example", **forwarded}
    meta = api().get("/v1/export/patients", {"perPage": 1}, **headers).json()["meta"]
    assert meta["nextPageUrl"] == f"{scheme}://clinic.example/v1/export/patients?perPage=1&cursor={meta['nextCursor']}"
    following = api().get(meta["nextPageUrl"].partition("clinic.example")[2], **headers).json()["meta"]
    assert following["prevPageUrl"].startswith(f"{scheme}://clinic.example/v1/export/patients?")
    assert api().get("/v1/patients", {"perPage": 1}, **headers).json()["meta"]["nextPageUrl"].startswith("/v1/patients?")


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("name", OF_PATIENTS)
def test_each_chunk_of_a_stream_is_audited_before_it_leaves(clinic, api, monkeypatch, name, form):
    by_chunks_of(2, monkeypatch)
    patients = {getattr(row, "patient_id", row.pk) for row in (add_row(clinic, name) for _ in range(3))}
    events = AuditEvent.objects.filter(action__endswith=f".{form}")
    answer = api().get(f"/v1/export/{name}.{form}", parameters_for(name))
    header = [1] if form == "csv" else []  # the first chunk is there before anything leaves
    assert [events.count() for _ in answer.streaming_content] == [*header, 1, 2]
    assert {pk for event in events for pk in event.patients.values_list("patient_id", flat=True)} == patients


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_who_finds_nothing_has_looked(clinic, api, form):
    stream(api(), "starRatings", form)
    (event,) = AuditEvent.objects.filter(action=f"star_rating.{form}", outcome="ok")
    assert not event.patients.exists()


@pytest.mark.parametrize(("remembered", "times"), [(reading.REMEMBERED, 1), (0, 3)])
def test_a_stream_tells_of_a_patient_once_and_of_one_whom_it_forgot_again(clinic, api, monkeypatch, remembered, times):
    by_chunks_of(2, monkeypatch)
    monkeypatch.setattr(reading, "REMEMBERED", remembered)
    patients = [clinic.patient(care_group_id=clinic.group.pk) for _ in range(2)]
    for _ in range(3):
        for patient in patients:
            clinic.entry(Measurement, patient)
    assert len(lines_of(stream(api(), "measurements", "ndjson"))) == 6
    touched = AuditedPatient.objects.filter(event__action="measurement.ndjson").values_list("patient_id", flat=True)
    assert sorted(touched) == sorted([patient.pk for patient in patients] * times)


@pytest.mark.parametrize("name", REPORTS)
def test_what_arrives_during_a_stream_takes_no_row_from_it_and_doubles_none(clinic, api, monkeypatch, name):
    by_chunks_of(2, monkeypatch)
    for _ in range(5):
        add_row(clinic, name)
    before = page(api(), name)
    parts = iter(api().get(f"/v1/export/{name}.ndjson", parameters_for(name)).streaming_content)
    first = next(parts)
    for _ in range(2):
        add_row(clinic, name)
    streamed = lines_of(b"".join([first, *parts]))
    assert streamed == page(api(), name)[: len(streamed)]
    assert streamed[: len(before)] == before


# Names, and the cells of CSV that show them.
TEXTS = {
    '=HYPERLINK("http://evil.example","Click")': '\'=HYPERLINK("http://evil.example","Click")',
    "+1": "'+1",
    "-1+cmd": "'-1+cmd",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t'=1",
    "\r=1": "'\r'=1",
    "x;=1+1": "x;'=1+1",
    'Ann "A", Lee': 'Ann "A", Lee',
    "a\r\nb": "a\r\nb",
}


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_names_are_as_they_are_in_json_and_defused_in_csv(clinic, api, text):
    add_row(clinic, "patients", first_name=text)
    (row,) = page(api(), "patients")
    (line,) = lines_of(stream(api(), "patients", "ndjson"))
    (cell,) = cells_of(stream(api(), "patients", "csv"))
    assert row["First_Name"] == line["First_Name"] == text
    assert cell["First_Name"] == TEXTS[text]


# How a report is asked for, and how its CSV begins.
PLAIN, MARKED = b"Patient_UUID", b"\xef\xbb\xbfPatient_UUID"
BEGINNINGS = [
    (".csv", {}, "", PLAIN),
    (".csv", {"bom": "1"}, "", MARKED),
    (".csv", {"bom": "True"}, "", MARKED),
    (".csv", {"bom": "0"}, "", PLAIN),
    (".csv", {"bom": ""}, "", PLAIN),
    (".csv", {}, "application/vnd.ms-excel", MARKED),
    ("", {}, "application/vnd.ms-excel, text/csv", MARKED),
    ("", {}, "text/csv", PLAIN),
    ("", {"bom": "1"}, "text/csv", MARKED),
    ("", {}, "text/*", PLAIN),
    ("", {}, "image/png, text/csv; charset=UTF-8", PLAIN),
    ("", {}, 'text/csv;Charset="Utf-8"; q=0.9, application/json;q=0.5', PLAIN),
    ("", {}, "application/vnd.ms-excel;charset=utf8", MARKED),
    ("", {}, "application/json;q=0.5, text/csv", PLAIN),
    (".csv", {}, "application/json, application/vnd.ms-excel;q=0.5", PLAIN),
    (".csv", {}, "*/*", PLAIN),
]


@pytest.mark.parametrize(("ending", "query", "accept", "begins"), BEGINNINGS)
def test_csv_has_one_byte_order_mark_where_it_is_asked_for(clinic, api, monkeypatch, ending, query, accept, begins):
    by_chunks_of(1, monkeypatch)
    for _ in range(2):
        add_row(clinic, "patients")
    answer = api().get(f"/v1/export/patients{ending}", query, **({"Accept": accept} if accept else {}))
    content = b"".join(answer.streaming_content)
    assert content.startswith(begins)
    assert content.removeprefix(b"\xef\xbb\xbf") == stream(api(), "patients", "csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv;q=0",
        "text/csv;q=0, */*",
        "text/csv;q=0.5, application/json",
        "application/json; charset=utf-8, text/csv",
        "application/*",
        "*/*",
        "image/png",
        "text/csvx",
        "text/csv; charset=iso-8859-1",
        "text/csv; charset=",
        "",
    ],
)
def test_a_page_of_json_is_for_those_who_do_not_ask_for_a_stream_first(api, accept):
    assert api().get("/v1/export/patients", Accept=accept)["Content-Type"] == "application/json"


def test_no_other_form_has_a_byte_order_mark(clinic, api):
    add_row(clinic, "patients")
    assert stream(api(), "patients", "ndjson", bom="1") == stream(api(), "patients", "ndjson")
    assert api().get("/v1/export/patients", {"bom": "1"}).json()["meta"]


@pytest.mark.parametrize("value", ["2", "ja", "tru"])
def test_what_is_neither_true_nor_false_is_refused(api, value):
    answer = api().get("/v1/export/patients.csv", {"bom": value})
    assert (answer.status_code, answer.json()["errors"][0]["attribute"]) == (422, "bom")


@pytest.mark.parametrize(("value", "shown"), [("-5.2", "-5.2"), ("-5", "-5"), ("0", "0"), ("-0.125", "-0.125")])
def test_a_measured_number_below_zero_stays_a_number(clinic, api, value, shown):
    add_row(clinic, "measurements", value_number=Decimal(value))
    (cell,) = cells_of(stream(api(), "measurements", "csv"))
    assert cell["Measurement_Value"] == page(api(), "measurements")[0]["Measurement_Value"] == shown


def test_a_measured_choice_that_a_spreadsheet_would_run_is_defused(clinic, api):
    add_row(clinic, "measurements", value_number=None, value_choice="-1+cmd")
    (cell,) = cells_of(stream(api(), "measurements", "csv"))
    assert cell["Measurement_Value"] == "'-1+cmd"
    assert page(api(), "measurements")[0]["Measurement_Value"] == "-1+cmd"


# How many look-ups there are in the reports that have any.
LOOKED_UP = {"patients": 2, "measurements": 2, "hcps": 2}


def cost_of(name: str) -> Cost:
    """Return what a page costs: key and rate limit, rows, look-ups, audit; on PostgreSQL the horizon, and much in one."""
    looked_up = LOOKED_UP.get(name, 0)
    audit = 2 if name in OF_PATIENTS else 1
    return Cost(3 + looked_up + audit, 3 + looked_up)


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_costs_the_same_for_any_number_of_rows(clinic, api, name):
    made = 0
    for size in SIZES:
        while made < size:
            add_row(clinic, name)
            made += 1
        found = statements(lambda: api().get(f"/v1/export/{name}", parameters_for(name, perPage=200)))
        assert len(found) == getattr(cost_of(name), connection.vendor), f"{name} with {size} rows\n" + "\n".join(found)
