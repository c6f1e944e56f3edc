"""Importing many patients in one request."""

import json
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema

from accounts.models import Organization
from accounts.permissions import Permission
from config.core.exceptions import NotFound
from config.rest import practice
from config.rest.bulk_reader import BulkReader
from config.rest.idempotency import Claim, claim_for
from config.rest.problems import problems_of
from config.rest.responses import ApiResponse, to_json
from patients.bulk_import import CHUNK, BulkImport, Chunk
from patients.import_options import Options, Outcome, Result
from patients.models import Patient
from patients.practice.serializers import PracticeBulkIn, PracticeBulkOut, PracticeBulkRowIn


@dataclass
class ImportRun:
    """An import on its way: its rows, and the results of those that are done."""

    job: BulkImport
    rows: list[Any]
    results: list[dict] = field(default_factory=list)
    denied: bool = False
    """Whether a row named a patient whom the caller does not see."""
    saved: bytes = b""
    """The results as this run has last kept them with its claim."""

    @property
    def finished(self) -> bool:
        """Whether every row has its result."""
        return len(self.results) == len(self.rows)

    @property
    def next_rows(self) -> tuple[list[Any], list[Any]]:
        """The rows of the next transaction, and of the one after it."""
        done = len(self.results)
        if self.job.options.whole:
            return self.rows[done:], []
        return self.rows[done : done + CHUNK], self.rows[done + CHUNK : done + 2 * CHUNK]

    def write_chunk(self, chunk: Chunk) -> None:
        """Import the rows of `chunk`, in the transaction that is open."""
        self.results += [self._rendered(result) for result in self.job.write(chunk)]

    def catch_up(self, claim: Claim) -> None:
        """Take over the results that a run under the same key had when it was cut off."""
        known = json.loads(claim.progress(self.saved) or "[]")
        further = known[len(self.results) :]
        self.job.restore_claims(self.rows[len(self.results) :], [status for status, *_ in further])
        for status, uuid, errors in further:
            self.results.append({"index": len(self.results), "status": status, "uuid": uuid, "errors": errors})

    def save_progress(self, claim: Claim) -> None:
        """Keep the results with `claim`, so that a repeated request goes on from there."""
        results = [[result["status"], result["uuid"], result["errors"]] for result in self.results]
        self.saved = claim.save_progress(to_json(results).decode())

    def _rendered(self, result: Result) -> dict:
        """Return what became of a row, as the response shows it."""
        self.denied |= isinstance(result.error, NotFound)
        problems = problems_of(result.error, self.job.reader.names) if result.error else []
        located = [replace(problem, path=("rows", result.index, *problem.path)) for problem in problems]
        return {
            "index": result.index,
            "status": str(result.outcome),
            "uuid": str(result.uuid) if result.uuid else None,
            "errors": [practice.Errors.item(problem) for problem in located],
        }


class PatientBulkViewSet(practice.ViewSet):
    """Many patients in one request."""

    model = Patient
    permissions = {"bulk": Permission.WRITE_PATIENTS}
    serializer_class = PracticeBulkOut
    request_serializer_classes = {"bulk": PracticeBulkIn}
    batch_key = "rows"
    idempotent_actions = frozenset({"bulk"})
    max_body_size = 25_000_000
    max_body_values = 1_000_000

    @extend_schema(operation_id="import_patients")
    def bulk(self, request, *args, **kwargs) -> ApiResponse:
        """Import patients.

        Each chunk is a transaction. With an Idempotency-Key how far the import has come is kept in the
        same transaction, and whoever repeats the request goes on from there.
        """
        self.count_batch(request.data)
        claim = claim_for(request._request, self.actor, self.organization_id, request.data)
        with claim.held() if claim else nullcontext():
            run = self._start(claim)
            response = run if isinstance(run, ApiResponse) else import_rows(run, claim)
        if isinstance(run, ImportRun) and run.denied:
            self.record_denied()
        return response

    def _start(self, claim: Claim | None) -> ImportRun | ApiResponse:
        """Return the run, or the response that the very same request has got before."""
        if claim:
            with transaction.atomic():
                if stored := claim.stored_response():
                    return stored.response
        values = self.get_valid_serializer(self.request.data).validated_data
        organization = Organization.objects.get(pk=self.organization_id)
        given = {name: value for name, value in (values.get("meta") or {}).items() if value is not None}
        options, reader = Options(**given), BulkReader(PracticeBulkRowIn)
        job = BulkImport(actor=self.actor, organization=organization, reader=reader, options=options)
        return ImportRun(job, values["rows"])


def import_rows(run: ImportRun, claim: Claim | None) -> ApiResponse:
    """Import the rows of `run`, chunk by chunk."""
    response = None
    while response is None:
        write = partial(import_chunk, run, claim)
        rows, following = run.next_rows
        response = run.job.process(rows, len(run.results), write, following=following, always=claim is not None)
    return response


def import_chunk(run: ImportRun, claim: Claim | None, chunk: Chunk) -> ApiResponse | None:
    """Import the rows of `chunk` in the open transaction; return the response after the last ones."""
    if claim:
        if stored := claim.stored_response():
            return stored.response
        run.catch_up(claim)
    # On SQLite another worker may have imported these rows meanwhile, under the same key.
    if chunk.start == len(run.results):
        run.write_chunk(chunk)
    response = ApiResponse(summary(run.results)) if run.finished else None
    if claim and response:
        claim.store(response, 0)
    elif claim:
        run.save_progress(claim)
    return response


def summary(results: list[dict]) -> dict:
    """Return the results with their numbers."""
    numbers = Counter(result["status"] for result in results)
    return {"results": results, **{str(outcome): numbers[outcome] for outcome in Outcome}, "total": len(results)}
