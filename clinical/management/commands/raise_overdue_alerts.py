"""`manage.py raise_overdue_alerts`: plan what is to be measured, and raise an alert for what has not come."""

from clinical.management.batch import RoundCommand
from clinical.services.monitoring import raise_overdue_alerts


class Command(RoundCommand):
    """Meant for cron, once an hour: an alert comes at most an hour after its grace has run out."""

    help = "Plan scheduled measurements up to tomorrow and raise alerts for those that did not come. For cron, once an hour."
    round = staticmethod(raise_overdue_alerts)
    done = "{patients} patients: {planned} measurements planned, {raised} alerts raised."
