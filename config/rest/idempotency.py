"""Remembered answers: a request repeated with the same Idempotency-Key does its work once."""

import datetime
import hashlib
import re
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import IdempotencyRecord
from accounts.scope import Actor
from config.databases import lock_out
from config.encryption import seal, unseal
from config.exceptions import BadRequest, IdempotencyConflict, IdempotencyInProgress
from config.rest.rendering import Answer

KEPT = datetime.timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_COLUMN = "idempotency.answer"


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

    def first_answer(self) -> "FirstAnswer | None":
        """Return the answer that this very request got before, None where it is the first.

        IdempotencyConflict where the key belongs to another request, IdempotencyInProgress while
        the first one runs.
        """
        if not lock_out(f"idempotency:{self._row}"):
            raise IdempotencyInProgress
        records = IdempotencyRecord.objects.filter(
            organization_id=self.organization_id, user_id=self.user_id, key=self.key
        )
        records.filter(created_at__lt=timezone.now() - KEPT).delete()
        record = records.first()
        if record is None:
            return None
        if bytes(record.fingerprint) != self.fingerprint:
            raise IdempotencyConflict
        row_id, _, content = unseal(record.answer, _COLUMN, self._row).partition(" ")
        answer = Answer(None, record.status, {"Idempotent-Replayed": "true"})
        answer.content = content.encode()
        return FirstAnswer(int(row_id), answer)

    def remember(self, answer: Answer, row_id: int) -> None:
        """Keep `answer`, which tells of the row `row_id`, encrypted, with the work that it tells of."""
        IdempotencyRecord.objects.create(
            organization_id=self.organization_id,
            user_id=self.user_id,
            key=self.key,
            fingerprint=self.fingerprint,
            status=answer.status_code,
            answer=seal(f"{row_id} {answer.content.decode()}", _COLUMN, self._row),
            created_at=timezone.now(),
        )


def claim_of(request: HttpRequest, actor: Actor, organization_id: int) -> Claim | None:
    """Return the claim that the Idempotency-Key header makes, None without one; a bad header is 400."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key) or "," in key:
        raise BadRequest("Idempotency-Key must be 1 to 255 printable ASCII characters, sent once", "header")
    said = b"\x00".join([request.method.encode(), request.get_full_path().encode(), request.body])
    return Claim(organization_id, actor.user_id, key, hashlib.sha256(said).digest())
