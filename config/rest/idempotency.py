"""Remembered answers: a request repeated with the same Idempotency-Key does its work once."""

import datetime
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import IdempotencyRecord
from accounts.scope import Actor
from config.core.databases import holding, lock_out
from config.core.encryption import seal, unseal
from config.core.exceptions import BadRequest, IdempotencyConflict, IdempotencyInProgress
from config.rest.responses import Answer

KEPT = datetime.timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_COLUMN = "idempotency.answer"
UNFINISHED = 102
"""The status of a request of several transactions that has not been answered yet: its record tells how far it came."""


@dataclass(frozen=True)
class FirstAnswer:
    """What a request was answered the first time, and the id of the row that the answer tells of."""

    row_id: int
    answer: Answer


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
        with holding(self._lock) as free:
            if not free:
                raise IdempotencyInProgress
            yield

    def first_answer(self) -> "FirstAnswer | None":
        """Return the answer that this very request got before, None where it is the first or was cut off.

        IdempotencyConflict where the key belongs to another request, IdempotencyInProgress while
        the first one runs.
        """
        record = self._record()
        if record is None or record.status == UNFINISHED:
            return None
        row_id, _, content = self._opened(record).partition(" ")
        answer = Answer(None, record.status, {"Idempotent-Replayed": "true"})
        answer.content = content.encode()
        return FirstAnswer(int(row_id), answer)

    def progress(self) -> str:
        """Return what `note` has kept of this very request, "" where it is the first. Raises as `first_answer` does."""
        record = self._record()
        return self._opened(record) if record is not None and record.status == UNFINISHED else ""

    def note(self, progress: str) -> None:
        """Keep how far a request of several transactions has come, with the work of the one that is open."""
        self._keep(UNFINISHED, progress)

    def remember(self, answer: Answer, row_id: int) -> None:
        """Keep `answer`, which tells of the row `row_id`, encrypted, with the work that it tells of."""
        self._keep(answer.status_code, f"{row_id} {answer.content.decode()}")

    @property
    def _lock(self) -> str:
        return f"idempotency:{self._row}"

    @property
    def _records(self) -> QuerySet[IdempotencyRecord]:
        return IdempotencyRecord.objects.filter(organization_id=self.organization_id, user_id=self.user_id, key=self.key)

    def _record(self) -> IdempotencyRecord | None:
        if not lock_out(self._lock):
            raise IdempotencyInProgress
        self._records.filter(created_at__lt=timezone.now() - KEPT).delete()
        record = self._records.first()
        if record is not None and bytes(record.fingerprint) != self.fingerprint:
            raise IdempotencyConflict
        return record

    def _opened(self, record: IdempotencyRecord) -> str:
        return unseal(record.answer, _COLUMN, self._row)

    def _keep(self, status: int, text: str) -> None:
        kept = {"status": status, "answer": seal(text, _COLUMN, self._row)}
        if not self._records.update(**kept):
            IdempotencyRecord.objects.create(
                organization_id=self.organization_id,
                user_id=self.user_id,
                key=self.key,
                fingerprint=self.fingerprint,
                created_at=timezone.now(),
                **kept,
            )


def claim_of(request: HttpRequest, actor: Actor, organization_id: int) -> Claim | None:
    """Return the claim that the Idempotency-Key header makes, None without one; a bad header is 400."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key) or "," in key:
        raise BadRequest("Idempotency-Key must be 1 to 255 printable ASCII characters, sent once", "header")
    said = f"{request.method}\x00{request.get_full_path()}\x00".encode() + request.body
    return Claim(organization_id, actor.user_id, key, hashlib.sha256(said).digest())
