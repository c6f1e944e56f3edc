"""Importing many patients in one request."""

import json
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts.models import Organization
from accounts.permissions import Task
from config.core.exceptions import NotFound
from config.rest import practice
from config.rest.bulk_reader import RowReader
from config.rest.idempotency import Claim, claim_of
from config.rest.problems import problems_of
from config.rest.request_body import read_json
from config.rest.responses import Answer
from patients.bulk_import import CHUNK, BulkImport, Options, Outcome, Result
from patients.models import Patient
from patients.practice.serializers import PracticeBulkIn, PracticeBulkOut, PracticeBulkRowIn

MAX_BODY = 25_000_000
"""Bytes."""


class PatientBulkViewSet(practice.ViewSet):
    """Many patients in one request."""

    model = Patient
    tasks = {"bulk": Task.WRITE_PATIENTS}
    serializer_classes = {"bulk": PracticeBulkIn}
    rows_key = "rows"
    idempotent = frozenset({"bulk"})

    job: BulkImport | None = None
    refused = False

    def get_serializer_class(self):
        return PracticeBulkOut

    def bulk(self, request, *args, **kwargs) -> Answer:
        """Import patients.

        Each chunk is a transaction. With an Idempotency-Key how far the import has come is kept in the
        same transaction, and whoever repeats the request goes on from there.
        """
        payload = read_json(request._request, MAX_BODY)
        self.charge(payload)
        claim = claim_of(request._request, self.actor, self.organization_id)
        answer = None
        with claim.held() if claim else nullcontext():
            while answer is None:
                with transaction.atomic():
                    answer = self._step(payload, claim)
        if self.refused:
            self._record_denied()
        return answer

    def _step(self, payload: dict[str, Any], claim: Claim | None) -> Answer | None:
        """Import the next chunk; return the answer after the last one, or the one that was given before."""
        if claim and (first := claim.first_answer()):
            return first.answer
        job = self.job = self.job or self._begin(payload)
        if claim:
            self._catch_up(job, claim)
        done = len(self.told)
        self.told += [self._tell(result) for result in job.take(self.rows[done : done + self.size], done)]
        if len(self.told) < len(self.rows):
            if claim:
                claim.note(json.dumps([[one["status"], one["uuid"], one["errors"]] for one in self.told]))
            return None
        answer = Answer(summary(self.told))
        if claim:
            claim.remember(answer, 0)
        return answer

    def _begin(self, payload: dict[str, Any]) -> BulkImport:
        values = self.validated(payload)
        options, self.rows = Options(**values.get("meta", {})), values["rows"]
        self.size = len(self.rows) if options.whole else CHUNK
        self.told: list[dict] = []
        organization = Organization.objects.get(pk=self.organization_id)
        self.reader = RowReader(PracticeBulkRowIn)
        return BulkImport(actor=self.actor, organization=organization, reader=self.reader, options=options)

    def _catch_up(self, job: BulkImport, claim: Claim) -> None:
        """Learn what has been done under this key meanwhile, by a run that was cut off."""
        known = json.loads(claim.progress() or "[]")
        further = known[len(self.told) :]
        job.restore_claims(self.rows[len(self.told) :], [status for status, *_ in further])
        for status, uuid, errors in further:
            self.told.append({"index": len(self.told), "status": status, "uuid": uuid, "errors": errors})

    def _tell(self, result: Result) -> dict:
        """Return what became of a row, as the answer shows it."""
        self.refused |= isinstance(result.error, NotFound)
        problems = problems_of(result.error, self.reader.names) if result.error else []
        placed = [replace(problem, path=("rows", result.index, *problem.path)) for problem in problems]
        return {
            "index": result.index,
            "status": str(result.outcome),
            "uuid": str(result.uuid) if result.uuid else None,
            "errors": [practice.Errors.item(problem) for problem in placed],
        }


def summary(told: list[dict]) -> dict:
    """Return the results with their numbers."""
    numbers = Counter(result["status"] for result in told)
    return {"results": told, **{str(outcome): numbers[outcome] for outcome in Outcome}, "total": len(told)}
