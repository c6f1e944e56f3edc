"""Fixtures of the tests of patients."""

import pytest

from accounts.models import Role


@pytest.fixture(autouse=True)
def every_write_is_in_the_totals(request) -> None:
    """Compare the totals with the patients after every test that meets the database: all services are called in this folder."""
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("kept_totals")


@pytest.fixture
def bulk(clinic, api):
    """Return `bulk(rows, role, key, **meta)`, which posts an import and returns the response."""

    def post(rows, role: str = Role.HC_ADMIN, key: str = "", **meta):
        headers = {"Idempotency_Key": key} if key else {}
        return api(role).post(f"{clinic.base}/patients/bulk", {"meta": meta, "rows": rows}, **headers)

    return post
