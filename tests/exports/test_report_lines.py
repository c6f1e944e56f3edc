"""Which reports PostgreSQL writes, and why it does not write the others."""

import pytest

from exports.lines import LINE_FORMATS, cell_of
from exports.registry import REPORTS, line_statement

# The columns that do not say in SQL what they show, of the reports that have any.
BY_PYTHON = {
    "patients": {
        "BSN": "is encrypted",
        **dict.fromkeys(["Status", "Activated_Date"], "could, if the other one could"),
        **dict.fromkeys([name for name in REPORTS["patients"].kinds if name.endswith("_Alerts")], "could, too"),
    },
    "hcps": {
        "User_Name": "could, if the others could",
        "Groups": "are those that the caller sees, and there are few people",
        "Processed_Alerts": "are those that the caller sees, too",
    },
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("form", LINE_FORMATS)
def test_a_report_is_written_by_the_database_unless_a_column_cannot_say_in_sql_what_it_shows(name, form):
    fields = REPORTS[name].serializer_class().fields
    without = [column for column in fields if cell_of(fields[column], is_number=False) is None]
    assert without == list(BY_PYTHON.get(name, {}))
    assert (line_statement(REPORTS[name], form) is None) == (name in BY_PYTHON)


def test_no_other_format_is_written_by_the_database():
    assert line_statement(REPORTS["alerts"], "parquet") is None
