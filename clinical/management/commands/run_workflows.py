"""`manage.py run_workflows`: fire the workflows whose day has come."""

from clinical.management.batch import RoundCommand
from clinical.services.monitoring import run_workflows


class Command(RoundCommand):
    """Meant for cron, once a day or more often: on one day of a patient a workflow fires once."""

    help = "Fire the workflows whose day has come and plan scheduled measurements up to tomorrow. For cron, once a day."
    round = staticmethod(run_workflows)
    done = "{patients} patients: {fired} workflows fired, {planned} measurements planned."
