"""`manage.py run_workflows`: fire the workflows that are due."""

from clinical.management.batch import BatchCommand
from clinical.services.monitoring import run_workflows


class Command(BatchCommand):
    """Run it by cron, once a day or more often: a workflow fires at most once per patient and day."""

    help = "Fire the workflows whose day has come and plan scheduled measurements up to tomorrow. For cron, once a day."
    service = staticmethod(run_workflows)
    done = "{patients} patients: {fired} workflows fired, {planned} measurements planned."
