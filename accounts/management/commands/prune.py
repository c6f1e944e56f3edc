"""`manage.py prune`: delete expired bookkeeping. Run it once a day by cron."""

import datetime

from axes.helpers import get_cool_off
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import IdempotencyRecord, OutboxEvent, Session
from accounts.models.events import REMOVED_AFTER
from accounts.services.audit_chains import ChainBroken, prune_events, seal_events
from accounts.services.pruning import delete_in_turns, removals
from config.rest.idempotency import RETENTION
from config.rest.throttling import delete_ended_windows

SIGN_INS_KEPT = datetime.timedelta(days=90)


class Command(BaseCommand):
    """Deletes in chunks, one transaction each, so that no other transaction waits long."""

    help = (
        "Delete remembered answers, events of the outbox after 32 days, ended rate windows and sessions, "
        "failed and old sign-ins, files of imports after a day, what old merges would need to be undone, and audit events past "
        "their retention. Seal the audit trail."
    )

    def handle(self, *args, **options) -> None:
        now = timezone.now()
        kept_since = now - datetime.timedelta(days=365.25 * settings.AUDIT_RETENTION_YEARS)
        self._delete("remembered answers", IdempotencyRecord.objects.filter(created_at__lt=now - RETENTION))
        self._delete("events of the outbox", OutboxEvent.objects.filter(created_at__lt=now - REMOVED_AFTER))
        self.stdout.write(f"{delete_ended_windows()} rate windows deleted")
        self._delete("sessions", Session.objects.filter(expire_date__lte=now))
        # Those of the cool-off, if it ever ends, may lock somebody out.
        if cool_off := get_cool_off():
            self._delete("failed sign-ins", AccessAttempt.objects.filter(attempt_time__lt=now - cool_off))
        for log in (AccessLog, AccessFailureLog):
            self._delete(str(log._meta.verbose_name_plural), log.objects.filter(attempt_time__lt=now - SIGN_INS_KEPT))
        for what, remove in removals().items():
            self.stdout.write(f"{remove(now)} {what} deleted")
        self._prune_trail(kept_since)

    def _prune_trail(self, kept_since: datetime.datetime) -> None:
        """Seal the audit trail and remove what is past its retention; nothing of it where a chain is broken."""
        try:
            seal_events()
            self.stdout.write(f"{prune_events(kept_since)} audit events deleted")
        except ChainBroken as broken:
            raise CommandError(f"No audit event was deleted: {broken}. Run: manage.py verify_audit") from broken

    def _delete(self, what: str, rows: QuerySet) -> None:
        self.stdout.write(f"{delete_in_turns(rows)} {what} deleted")
