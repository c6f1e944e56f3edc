"""`manage.py verify_audit`: compute the chains of the audit trail again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.audit_verification import verify_chains


class Command(BaseCommand):
    """Names the first broken row of each organization, and then fails. Events without organization are organization 0."""

    help = "Tell whether sealed audit events were changed, deleted, swapped or inserted, and name the first of each organization."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for verdict in verify_chains():
            if verdict.event_id is None:
                count, digest = verdict.chain.count, bytes(verdict.chain.last_digest).hex()
                self.stdout.write(f"organization {verdict.chain.pk}: {count} events, last {digest}")
                continue
            broken += 1
            row = f"event {verdict.event_id}" if verdict.event_id else "the chain"
            self.stderr.write(f"organization {verdict.chain.pk}: {row}: {verdict.reason}")
        if broken:
            raise CommandError(f"The audit trail of {broken} organizations is not as it was sealed.")
