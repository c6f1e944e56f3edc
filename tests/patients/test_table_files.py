"""Tables as spreadsheets save them: separators, encodings, headers, and what they add around the rows."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest

from config.core.tables import FileRefused, Table, TableRow, UnreadLine, open_table, text_encoding

KNOWN = ("Id", "first_name", "last_name", "note")
HEADER = "first_name,last_name,note"
PLAIN = [TableRow(2, ["Ann", "Lee", "a, b"])]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "people.csv"


def read(path: Path, content: str | bytes, encoding: str | None = None) -> tuple[Table, list[TableRow | UnreadLine]]:
    """Return the table that `content` is, and its rows."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_table(path, encoding) as file:
        table = Table(file, KNOWN)
        return table, list(table)


def separated(separator: str, end: str = "\r\n") -> str:
    rows = io.StringIO()
    csv.writer(rows, delimiter=separator, lineterminator=end).writerows([HEADER.split(","), ["Ann", "Lee", "a, b"]])
    return rows.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("separator", list(",;\t|"))
def test_the_separator_is_the_one_that_names_known_columns(path, separator, end):
    table, rows = read(path, separated(separator, end))
    assert (table.separator, table.header, rows) == (separator, HEADER.split(","), PLAIN)


def test_other_separators_inside_of_names_do_not_hide_it(path):
    table, _ = read(path, "a;b;c;d|e|f,first_name|last_name\n")
    assert table.separator == "|"


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "\r\n\r\nsep=;"])
def test_a_line_may_name_the_separator(path, first):
    table, rows = read(path, f"{first}\r\na;b,c\r\n1;2\r\n")
    assert (table.separator, table.header) == (";", ["a", "b,c"])
    assert [row.cells for row in rows] == [["1", "2"]]


def test_a_separator_that_no_spreadsheet_uses_is_refused(path):
    with pytest.raises(FileRefused, match="none of comma, semicolon, tab and pipe"):
        read(path, "sep=x\nfirst_namexlast_name\n")


ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-be with a mark": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_utf_8_and_utf_16_are_told_apart_by_how_the_file_begins(path, name):
    mark = "\ufeff" if "mark" in name else ""
    content = f"{mark}first_name,last_name\nRené,李\n".encode(name.split()[0])
    table, rows = read(path, content)
    assert (table.encoding, table.header, rows[0].cells) == (ENCODINGS[name], ["first_name", "last_name"], ["René", "李"])


def test_another_encoding_is_read_where_it_is_named_and_spoils_cells_where_it_is_not(path):
    content = "first_name,last_name\nRené,O’Brien\n".encode("windows-1252")
    assert read(path, content, text_encoding("Windows-1252"))[1][0].cells == ["René", "O’Brien"]
    assert read(path, content)[1][0].cells == ["Ren\udce9", "O\udc92Brien"]


@pytest.mark.parametrize("name", ["klingon", "base64", "", "a\0b"])
def test_what_is_no_encoding_of_text_is_refused(name):
    with pytest.raises(ValueError, match="no encoding called"):
        text_encoding(name)


HEADERS = [
    "First_Name,LAST_NAME,id",
    " First Name , last name,ID ",
    "first-name,\xa0last_name\xa0,Id",
    "\ufefffirst_name,last_name,\u200bId",
    "\ufeff\ufeff\"first_name\",'last_name',Id".replace("'", '"'),
    "first_name,last_name,Id,,,",
    "first_name,last_name,Id, ,\xa0",
    "\n\r\n  \n;;;\n,,,\nfirst_name,last_name,Id",
]


@pytest.mark.parametrize("header", HEADERS)
def test_names_of_columns_are_found_as_people_write_them(path, header):
    table, rows = read(path, f"{header}\nAnn,Lee,7\n")
    assert table.header == ["first_name", "last_name", "Id"]
    assert rows[0].cells == ["Ann", "Lee", "7"]


def test_a_name_that_nobody_knows_stays_as_it_is_written(path):
    assert read(path, "first_name, Shoe Size \n")[0].header == ["first_name", "Shoe Size"]


REFUSED = {
    "": "it is empty",
    "\n \n,,,\n": "it is empty",
    "sep=;\n": "it is empty",
    "first_name,First Name\n": "more than once: first_name",
    'first_name,"last_name\nAnn,Lee\n': "header cannot be read as CSV",
    b"first_name,last\xff\n": "header is not UTF-8 text: .* name its encoding",
    b"PK\x03\x04 and so on": "a workbook",
    b"\xd0\xcf\x11\xe0 and so on": "a workbook",
    b"\xff\xfef\x00i": "not UTF-16 text",
}


@pytest.mark.parametrize("content", REFUSED)
def test_a_file_without_a_header_is_refused_with_the_reason(path, content):
    with pytest.raises(FileRefused, match=REFUSED[content]):
        read(path, content)


@pytest.mark.parametrize("row", ["Ann,Lee,x", "Ann,Lee,x,", "Ann,Lee,x,,,", "Ann,Lee,x, ,\xa0"])
def test_empty_cells_at_the_end_of_a_row_are_nothing(path, row):
    assert read(path, f"{HEADER}\n{row}\n")[1] == [TableRow(2, ["Ann", "Lee", "x"])]


@pytest.mark.parametrize(("row", "number"), [("Ann,Lee", 2), ("Ann,Lee,x,y", 4), ("Ann,Lee,x,,y", 5)])
def test_a_cell_too_few_or_too_many_is_a_fault(path, row, number):
    assert read(path, f"{HEADER}\n{row}\nBob,Ray,\n")[1] == [
        TableRow(2, row.split(","), f"has {number} cells where the header has 3"),
        TableRow(3, ["Bob", "Ray", ""]),
    ]


@pytest.mark.parametrize("header", [HEADER, "First Name, last-name ,NOTE,,", '"first_name",last_name,note'])
@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\ufeff"])
def test_the_header_and_the_mark_of_a_file_that_is_put_behind_another_are_passed_over(path, mark, header):
    content = f'{mark}{HEADER}\nAnn,Lee,x\n{mark}{header}\n"Bob",Ray,y\n{mark}"Cy",Low,"\ufeffz"\n'
    assert read(path, content)[1] == [
        TableRow(2, ["Ann", "Lee", "x"]),
        TableRow(4, ["Bob", "Ray", "y"]),
        TableRow(5, ["Cy", "Low", "\ufeffz"]),
    ]


@pytest.mark.parametrize("row", ["first_name,last_name,", "last_name,first_name,note", "first_name,last_name,notes"])
def test_a_row_that_only_resembles_the_header_is_a_row(path, row):
    assert read(path, f"{HEADER}\n{row}\n")[1] == [TableRow(2, row.split(","))]


def test_rows_of_nothing_are_passed_over_and_lines_stay_numbered(path):
    content = f'{HEADER}\r\n\r\n,,\r\nAnn,Lee,"a\r\nb"\r\n  \r\n\xa0, ,\u3000\r\rBob,Ray,\n"","",""\n'
    assert [(row.line, row.cells) for row in read(path, content)[1]] == [(4, ["Ann", "Lee", "a\r\nb"]), (9, ["Bob", "Ray", ""])]


@pytest.mark.parametrize("end", ["\n\x1a", "\r\n\x1a\r\n", "\x1a", "\x1a\n", "\n\x1a\x1a\x1a"])
def test_a_closing_ctrl_z_is_nothing(path, end):
    assert [row.cells for row in read(path, f"{HEADER}\nAnn,Lee,x{end}")[1]] == [["Ann", "Lee", "x"]]


def test_a_ctrl_z_before_the_end_is_not_taken_for_it(path):
    assert [row.cells[0] for row in read(path, f"{HEADER}\nA\x1a,Lee,x\nBob,Ray,\n")[1]] == ["A\x1a", "Bob"]


def test_a_quote_that_is_never_closed_names_every_line_from_there_on(path):
    table, rows = read(path, f'{HEADER}\nAnn,Lee,x\nBob,"Ray,y\nCy,Low,\n\nDee,Day,z\n')
    assert table.unread_from == 3
    assert rows[0] == TableRow(2, ["Ann", "Lee", "x"])
    assert [(row.line, row.text, row.begins) for row in rows[1:]] == [
        (3, 'Bob,"Ray,y', True),
        (4, "Cy,Low,", False),
        (5, "", False),
        (6, "Dee,Day,z", False),
    ]
    assert {row.fault for row in rows[1:]} == {"not read: a quote is opened in the row on line 3 and never closed"}


def test_a_quote_that_is_closed_in_another_row_names_the_lines_between_and_the_next_row_is_read(path):
    table, rows = read(path, f'{HEADER}\nBob,"Ray,y\nCy,Low,\nDee,"Day",z\nEve,Fox,\n')
    assert table.unread_from is None
    assert [(row.line, row.begins) for row in rows[:3]] == [(2, True), (3, False), (4, False)]
    assert {row.fault.partition(": ")[0] for row in rows[:3]} == {"lines 2 to 4 are not read"}
    assert rows[3] == TableRow(5, ["Eve", "Fox", ""])


def test_rows_that_a_quote_has_made_one_with_cells_too_few_or_too_many_are_named_line_by_line(path):
    table, rows = read(path, f'{HEADER}\n"Qa,Quote,Q1\nQb,Quote,Q2\nQc,Quote",Q3\nEve,Fox,\n')
    assert table.unread_from is None
    assert [(row.line, row.text, row.begins) for row in rows[:3]] == [
        (2, '"Qa,Quote,Q1', True),
        (3, "Qb,Quote,Q2", False),
        (4, 'Qc,Quote",Q3', False),
    ]
    told = "lines 2 to 4 are not read: quotes make them one row, which has 2 cells where the header has 3"
    assert {row.fault for row in rows[:3]} == {told}
    assert rows[3] == TableRow(5, ["Eve", "Fox", ""])


def test_a_row_with_a_quote_in_the_wrong_place_costs_its_line_only(path):
    _, rows = read(path, f'{HEADER}\n"Ann" B,Lee,x\nBob,Ray,\n')
    assert isinstance(rows[0], UnreadLine)
    assert (rows[0].line, rows[0].text, rows[1].cells) == (2, '"Ann" B,Lee,x', ["Bob", "Ray", ""])


def test_a_cell_that_is_too_long_costs_its_own_line_where_no_quote_is_open(path):
    table, rows = read(path, f"{HEADER}\nAnn,Lee,{'x' * 200_000}\nBob,Ray,\n")
    assert table.unread_from is None
    assert isinstance(rows[0], UnreadLine)
    assert rows[1].cells == ["Bob", "Ray", ""]


def test_a_long_table_is_read_in_little_memory_even_behind_an_open_quote(path):
    lines = 60_000
    path.write_text(f'{HEADER}\nAnn,Lee,"x\n' + "Bob,Ray,a note of a patient\n" * lines)
    with open_table(path) as file:
        table = Table(file, KNOWN)
        tracemalloc.start()
        count = sum(isinstance(row, UnreadLine) for row in table)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (count, table.unread_from) == (lines + 1, 2)
    assert peak < path.stat().st_size


def test_utf_16_that_breaks_off_is_told(path):
    content = f"{HEADER}\nAnn,Lee,x\n".encode("utf-16") + b"\x41"
    _, rows = read(path, content)
    assert rows[-1].fault == "not read: from here on the file is not UTF-16 text"


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileRefused, match="No such file"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(FileRefused, match="Is a directory"):
        open_table(tmp_path)
