"""Of these tests some need PostgreSQL."""

from config.settings import ON_SQLITE

# Not collected, so that nothing counts as skipped; the summary says so.
collect_ignore_glob = ["test_postgres_*.py"] if ON_SQLITE else []


def pytest_terminal_summary(terminalreporter):
    if ON_SQLITE:
        terminalreporter.write_line("tests/exports: test_postgres_*.py not collected, DATABASE_URL names no PostgreSQL")
