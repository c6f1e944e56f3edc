"""`manage.py seal_audit`: seal what the audit trail has got since the last time. Run it every minute by cron."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import AuditChain
from accounts.services.audit_chains import ChainBroken, seal_events


class Command(BaseCommand):
    """Seals events, and prints the end of every chain: kept elsewhere, these lines contradict whoever replaces the trail."""

    help = "Seal new audit events, and print where the chain of each organization ends. Keep the output on another machine."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sealed = seal_events()
        except ChainBroken as broken:
            raise CommandError(f"Nothing was sealed: {broken}. Run: manage.py verify_audit") from broken
        if sealed is None:
            self.stderr.write("Nothing was sealed: another process seals, or a transaction is open for long.")
            return
        self.stdout.write(f"{sealed} audit events sealed")
        for chain in AuditChain.objects.order_by("pk"):
            self.stdout.write(f"organization {chain.pk}: {chain.count} events, last {bytes(chain.last_digest).hex()}")
