"""The three dialects as a caller meets them, so that one test can say the same to each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from accounts.scope import Role
from patients.general.views import PatientViewSet as GeneralPatients
from patients.models import Patient
from patients.practice.views import PatientViewSet as PracticePatients
from patients.public.views import PatientViewSet as PublicPatients
from tests.conftest import ApiClient
from tests.declared import body_serializers
from tests.factories import Clinic

DIALECTS = ("practice", "public", "general")
VIEWS = {"practice": PracticePatients, "public": PublicPatients, "general": GeneralPatients}
CHANGES = {"practice": ("PATCH", "partial_update"), "general": ("PUT", "update")}
"""Verb and action by which a dialect changes a patient; the public one does not."""
TOKEN_HEADER = {"practice": "Authorization", "public": "Authorization", "general": "X-User-Token"}


@dataclass
class Wire:
    """One dialect, spoken to one clinic."""

    name: str
    clinic: Clinic

    @property
    def prefix(self) -> str:
        return {"practice": "/api/", "public": "/v1/", "general": "/general/"}[self.name]

    @property
    def patients(self) -> str:
        """The address of the patient list."""
        return {"practice": f"{self.clinic.base}/patients", "public": "/v1/patients", "general": "/general/v1/patients"}[
            self.name
        ]

    @property
    def unknown(self) -> str:
        """An address that no line of the table of contents takes."""
        return f"{self.prefix}v9/nothing/here"

    def address(self, patient: Patient) -> str:
        return f"{self.patients}/{patient.pk if self.name == 'general' else patient.uuid}"

    def client(self, role: str = Role.HC_ADMIN) -> ApiClient:
        return self.with_key(self.clinic.keys[role])

    def with_key(self, key: str | None) -> ApiClient:
        return ApiClient(key, TOKEN_HEADER[self.name])

    # --- bodies -----------------------------------------------------------------------------------
    def values(self, **values: Any) -> dict[str, Any]:
        """Return a body's values that make a patient, with `values` over them."""
        catalogs = self.clinic.catalogs
        least = {
            "practice": {"first_name": "Ada", "last_name": "Lovelace"},
            "general": {"first_name": "Ada", "last_name": "Lovelace", "date_of_birth": "1980-12-10"},
            "public": {
                "accountName": "ada.lovelace",
                "email": "ada@lovelace.test",
                "organizationId": str(self.clinic.organization.uuid),
                "groupId": str(self.clinic.group.uuid),
                "programId": str(catalogs["program"].uuid),
                "protocolId": str(catalogs["protocol"].uuid),
                "firstName": "Ada",
                "lastName": "Lovelace",
                "sex": "female",
            },
        }
        return {**least[self.name], **values}

    def body(self, values: Any) -> Any:
        return {"patient": values} if self.name == "general" else values

    def create(self, values: dict, client: ApiClient | None = None, **headers: str):
        return (client or self.client()).post(self.patients, self.body(values), **headers)

    def change(self, patient: Patient, values: dict, client: ApiClient | None = None):
        """Change a patient, by the version it has unless `values` name another."""
        version = {"base_version": patient.version} if self.name == "practice" else {}
        return (client or self.client())(CHANGES[self.name][0], self.address(patient), self.body({**version, **values}))

    def fields(self, action: str) -> dict[tuple[str, ...], serializers.Field]:
        """Return the leaves of the body that `action` takes, by their path inside it."""
        return dict(_leaves(body_serializers(VIEWS[self.name])[action]()))

    # --- answers ----------------------------------------------------------------------------------
    def named(self, response) -> list[str]:
        """Return the fields that a 422 names, dotted; "" is the whole."""
        self.checked(response, 422)
        body = response.json()
        if self.name == "practice":
            return [".".join(map(str, problem["loc"][1:])) for problem in body["detail"]]
        if self.name == "public":
            return [error.get("attribute", "") for error in body["errors"]]
        return ["" if field == "base" else field for field in body["errors"]]

    def message(self, response) -> str:
        """Return the one text of a refusal that is not about values."""
        body = response.json()
        if self.name == "public":
            return body["errors"][0]["message"]
        return body["detail" if self.name == "practice" else "errors"]

    def checked(self, response, status: int):
        """Assert that `response` is a refusal of `status` in the exact shape of the dialect; return it."""
        assert response.status_code == status, response.content[:500]
        assert response.headers["Content-Type"] == "application/json"
        assert len(response.headers["X-Request-Id"]) == 32
        assert {429, 503}.isdisjoint({status}) or 1 <= int(response.headers["Retry-After"]) <= 60
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
        assert ("Allow" in response.headers) == (status == 405)
        if response.request["REQUEST_METHOD"] != "HEAD":
            SHAPES[self.name](response.json(), status)
        return response

    def limited(self, response):
        """Assert that `response` tells the caller's allowance; return it."""
        limit, left, reset = (int(response.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
        assert 0 <= left <= limit
        assert 1 <= reset <= 60
        return response


def _leaves(serializer: serializers.BaseSerializer, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in serializer.fields.items():
        if isinstance(field, serializers.Serializer):
            yield from _leaves(field, (*path, name))
        elif not field.read_only:
            yield (*path, name), field


def _practice(body: Any, status: int) -> None:
    assert set(body) == {"detail"}
    if status != 422:
        assert isinstance(body["detail"], str)
        assert body["detail"]
        return
    assert body["detail"]
    for problem in body["detail"]:
        assert set(problem) == {"loc", "msg", "type"}
        assert problem["loc"][0] in ("body", "query", "path", "header")
        assert all(type(part) in (str, int) for part in problem["loc"])
        assert problem["msg"]
        assert problem["type"]


def _public(body: Any, status: int) -> None:
    assert set(body) == {"meta", "errors"}
    assert body["meta"] == {}
    assert body["errors"]
    for error in body["errors"]:
        assert set(error) in ({"code", "message"}, {"code", "message", "attribute"})
        assert all(value and isinstance(value, str) for value in error.values())
        assert (error["code"] == "validation") == (status == 422)


def _general(body: Any, status: int) -> None:
    assert set(body) == {"errors"}
    if status != 422:
        assert isinstance(body["errors"], str)
        assert body["errors"]
        return
    assert body["errors"]
    assert all(isinstance(text, str) and text for texts in body["errors"].values() for text in texts)


SHAPES = {"practice": _practice, "public": _public, "general": _general}
