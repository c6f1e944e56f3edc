"""Stored responses: a request repeated with the same Idempotency-Key does its work once."""

import datetime
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import IdempotencyRecord
from accounts.scope import Actor
from config.core.databases import advisory_lock, try_advisory_lock
from config.core.encryption import seal, unseal
from config.core.exceptions import BadRequest, IdempotencyConflict, IdempotencyInProgress
from config.rest.formats import parse_uuid
from config.rest.responses import ApiResponse, to_json

RETENTION = datetime.timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_COLUMN = "idempotency.answer"
# The status of a request of several transactions that has no response yet: its record tells how far it came.
UNFINISHED = 102


@dataclass(frozen=True)
class StoredResponse:
    """The response that a request got the first time, and the id of the row that it is about."""

    row_id: int
    response: ApiResponse


@dataclass(frozen=True)
class Claim:
    """One request's hold on its key, inside the transaction of its work."""

    organization_id: int
    user_id: int
    key: str
    fingerprint: bytes

    @property
    def _row(self) -> str:
        return f"{self.organization_id}:{self.user_id}:{self.key}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the key over several transactions; IdempotencyInProgress while another request does."""
        with advisory_lock(self._lock) as free:
            if not free:
                raise IdempotencyInProgress
            yield

    def stored_response(self) -> "StoredResponse | None":
        """Return the response that this very request got before, None where it is the first or was cut off.

        IdempotencyConflict where the key belongs to another request, IdempotencyInProgress while
        the first one runs.
        """
        record = self._record()
        if record is None or record.status == UNFINISHED:
            return None
        row_id, tag, content = self._opened(record).split(" ", 2)
        response = ApiResponse(None, record.status, {"Idempotent-Replayed": "true", **({"ETag": tag} if tag else {})})
        response.content = content.encode()
        return StoredResponse(int(row_id), response)

    def progress(self, saved: bytes = b"") -> str:
        """Return what `save_progress` kept of this very request, "" where it is the first. Raises as `stored_response` does.

        What is still as the call that returned `saved` has kept it is "", too.
        """
        record = self._record()
        if record is None or record.status != UNFINISHED or bytes(record.answer) == saved:
            return ""
        return self._opened(record)

    def save_progress(self, progress: str) -> bytes:
        """Keep how far a request of several transactions has come, with the work of the one that is open.

        Returns what is kept, encrypted.
        """
        return self._keep(UNFINISHED, progress)

    def store(self, response: ApiResponse, row_id: int) -> None:
        """Keep `response`, which is about the row `row_id`, encrypted, in the transaction of the work."""
        self._keep(response.status_code, f"{row_id} {response.get('ETag', '')} {response.content.decode()}")

    @property
    def _lock(self) -> str:
        return f"idempotency:{self._row}"

    @property
    def _records(self) -> QuerySet[IdempotencyRecord]:
        return IdempotencyRecord.objects.filter(organization_id=self.organization_id, user_id=self.user_id, key=self.key)

    def _record(self) -> IdempotencyRecord | None:
        if not try_advisory_lock(self._lock):
            raise IdempotencyInProgress
        self._records.filter(created_at__lt=timezone.now() - RETENTION).delete()
        record = self._records.first()
        if record is not None and bytes(record.fingerprint) != self.fingerprint:
            raise IdempotencyConflict
        return record

    def _opened(self, record: IdempotencyRecord) -> str:
        return unseal(record.answer, _COLUMN, self._row)

    def _keep(self, status: int, text: str) -> bytes:
        kept: dict[str, Any] = {"status": status, "answer": seal(text, _COLUMN, self._row)}
        if not self._records.update(**kept):
            IdempotencyRecord.objects.create(
                organization_id=self.organization_id,
                user_id=self.user_id,
                key=self.key,
                fingerprint=self.fingerprint,
                created_at=timezone.now(),
                **kept,
            )
        return kept["answer"]


def claim_for(request: HttpRequest, actor: Actor, organization_id: int, values: Any = None) -> Claim | None:
    """Return the claim that the Idempotency-Key header makes, None without one; a bad header is 400.

    `values` is what a body of JSON holds: requests with the same values are the same, however they are written. A body of
    another kind is compared by its bytes.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key) or "," in key:
        raise BadRequest("Idempotency-Key must be 1 to 255 printable ASCII characters, sent once", "header")
    fingerprint = hashlib.sha256(f"{request.method}\x00{_canonical_path(request)}\x00".encode())
    fingerprint.update(request.body if values is None else _canonical(values))
    return Claim(organization_id, actor.user_id, key, fingerprint.digest())


def _canonical_path(request: HttpRequest) -> str:
    """Return the path and the query of a request, UUIDs of the path in lower case."""
    path, mark, query = request.get_full_path().partition("?")
    return "/".join(str(parse_uuid(part) or part) for part in path.split("/")) + mark + query


def _canonical(values: Any) -> bytes:
    """Return parsed JSON in the one way of writing it: keys in order, 1.0 as 1."""
    written = to_json(values, sort_keys=True)
    # A copy of a large body takes memory; most have no such number.
    return to_json(_whole_numbers(values), sort_keys=True) if b".0" in written else written


# From here on a float stands for several whole numbers.
_EXACT = 2**53


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole_numbers(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(child) for child in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
