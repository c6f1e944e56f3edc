"""Of these tests some need PostgreSQL. A patient and the nurse who reads their chart are for those of the audit trail."""

import pytest

from accounts.models import Role
from config.settings import ON_SQLITE
from tests.pages import sign_in

# Not collected, so that nothing counts as skipped; the summary says so.
collect_ignore_glob = ["test_postgres_*.py"] if ON_SQLITE else []


def pytest_terminal_summary(terminalreporter):
    if ON_SQLITE:
        terminalreporter.write_line("tests/exports: test_postgres_*.py not collected, DATABASE_URL names no PostgreSQL")


@pytest.fixture
def hugo(clinic):
    nurse = clinic.users[Role.HC_PRIMARY]
    nurse.first_name, nurse.last_name = "Paula", "Prescott"
    nurse.save()
    return clinic.patient(first_name="Hugo", last_name="Abernathy", care_group_id=clinic.group.pk)


@pytest.fixture
def nurse(clinic, hugo):
    return sign_in(clinic.users[Role.HC_PRIMARY])
