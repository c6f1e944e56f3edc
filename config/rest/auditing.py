"""What the view sets of all dialects write into the audit trail by themselves: reads, and refusals."""

import logging
from typing import Any, ClassVar
from uuid import UUID

from django.db import models

from accounts import audit
from accounts.scope import Actor, scope_of
from config.core.exceptions import DomainError, Unavailable
from config.core.metrics import audit_failures_counted
from config.core.orm import word_for
from config.core.page_statements import PAGE
from config.rest.compiled.disclosures import DisclosedRows

logger = logging.getLogger("anamnesis.audit")


class AuditedMixin:
    """For view sets: audits what leaves the server before it does, and each refusal with what the path named."""

    model: ClassVar[type[models.Model]]
    lookup_url_kwarg: str | None
    patient_url_kwarg: ClassVar[str | None] = None
    """Which URL keyword names the patient to whom the object belongs, if one does."""

    actor: Actor
    action: str
    kwargs: dict[str, str]

    def read_event(self: Any, action: str | None = None) -> audit.ReadEvent | None:
        """Return the event of a read of rows of the response plan; None where reading them leaves none.

        `action` is what the trail calls it, where that is not the action of the view.
        """
        word = audit.action_word(self.model, action or self.action)
        return audit.ReadEvent(self.actor, word, self.named_patients(), {PAGE: self.patient_columns()})

    def named_patients(self) -> tuple[tuple[int, int], ...]:
        """Return (organization id, patient id) of the patients whom a read is about whatever it finds."""
        return ()

    def audit_read(self, rows: list[tuple], action: str | None = None) -> None:
        """Write into the audit trail whose rows are about to leave. Without that nothing leaves.

        Where the database can, it was done with the statement that has fetched them.
        """
        if isinstance(rows, DisclosedRows) and rows.are_audited:
            return
        try:
            if event := self.read_event(action):
                with audit_failures_counted("read"):
                    event.record({PAGE: rows})
        except Exception as error:
            raise Unavailable from error

    def record_denied(self) -> None:
        """Record a refused access, by the word of a granted one; a failure here does not turn the error into another."""
        word = self.action or "unknown"
        try:
            with audit_failures_counted("denial"):
                if hasattr(self, "model"):
                    audit.record_denied(self.actor, audit.action_word(self.model, word), **self.named_in_path())
                else:
                    audit.record_denied(self.actor, word)
        except Exception:
            logger.exception("denied access not recorded")

    def named_in_path(self) -> dict[str, Any]:
        """Return what the path names, as columns of an audit event. Nothing is looked up: the cost would tell what exists."""
        named: dict[str, Any] = {"subject": word_for(self.model)}
        of_patient = scope_of(self.model).patient == "pk"
        patient_url_kwarg = self.lookup_url_kwarg if of_patient else self.patient_url_kwarg
        for what, url_kwarg in (("subject", self.lookup_url_kwarg), ("patient", patient_url_kwarg)):
            identifier = self._identifier(url_kwarg)
            if isinstance(identifier, UUID):
                named[f"{what}_uuid"] = identifier
            elif isinstance(identifier, int):
                named[f"{what}_id"] = identifier
        return named

    def _identifier(self: Any, url_kwarg: str | None) -> Any:
        """Return the id in the URL keyword, None for a malformed one, which may be any text."""
        if url_kwarg not in self.kwargs:
            return None
        try:
            return self.lookup_criterion(self.model, url_kwarg).value
        except DomainError:
            return None
