"""Fixtures of the tests of patients."""

import pytest

from accounts.models import Role


@pytest.fixture
def bulk(clinic, api):
    """Return `bulk(rows, role, key, **meta)`, which posts an import and returns the response."""

    def post(rows, role: str = Role.HC_ADMIN, key: str = "", **meta):
        headers = {"Idempotency_Key": key} if key else {}
        return api(role).post(f"{clinic.base}/patients/bulk", {"meta": meta, "rows": rows}, **headers)

    return post
