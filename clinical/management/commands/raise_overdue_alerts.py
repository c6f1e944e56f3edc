"""`manage.py raise_overdue_alerts`: plan measurements, and raise alerts for overdue ones."""

from clinical.management.batch import BatchCommand
from clinical.services.monitoring import raise_overdue_alerts


class Command(BatchCommand):
    """Run it once an hour by cron: alerts are raised at most an hour after the grace period ends."""

    help = "Plan scheduled measurements up to tomorrow and raise alerts for those that did not come. For cron, once an hour."
    service = staticmethod(raise_overdue_alerts)
    done = "{patients} patients: {planned} measurements planned, {raised} alerts raised."
