"""A trial as pages show it."""

from typing import Any

from django.utils.translation import gettext as _

from clinical.admin.drawing import bar_chart
from clinical.admin.protocols.rows import FLAGS
from clinical.services.monitoring import Trial


def shown(trial: Trial) -> dict[str, Any]:
    """Return the alerts of each flag, as the rules are stored and as they would be, and a drawing of the weeks."""
    return {
        "trial": trial,
        "counts": [(flag, label, trial.stored.by_flag[flag], trial.changed.by_flag[flag]) for flag, label in FLAGS],
        "picture": _picture(trial),
    }


def _picture(trial: Trial) -> str:
    weeks = trial.changed.by_week(trial.since, trial.until)
    return bar_chart(weeks, label=_("Alerts a week"), first=trial.since, last=trial.until)
