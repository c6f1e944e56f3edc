"""Rules about a patient's values, the same for APIs, admin and imports."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from config.core.dates import years_before
from config.core.exceptions import Invalid
from config.core.orm import check_columns, check_required_texts
from config.core.text import fold, is_blank
from patients.models import Patient, Status

OLDEST_YEARS = 130
# Moments are compared with dates whose time zone is not known: allow a day either way.
_A_DAY = datetime.timedelta(days=1)

# Values that are stored encrypted, by the names used in services.
SEALED = ("social_security_number", "medicaid_id", "bsn")


def check_and_drop_nulls(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Drop nulls for columns that cannot be null, which leave the column unchanged. Raises Invalid for a null or blank name."""
    check_required_texts(Patient, changes)
    for name in ("first_name", "last_name"):
        if name in changes and changes[name] is None:
            raise Invalid(_("A name cannot be null."), name, "null")
    return {name: value for name, value in changes.items() if value is not None or _nullable(name)}


def _nullable(name: str) -> bool:
    return name in SEALED or Patient._meta.get_field(name).null


def check_values(values: Mapping[str, Any], changed: Collection[str], today: datetime.date) -> None:
    """Raise Invalid if the `changed` fields are none that their columns take, break a rule or contradict the other `values`.

    Unchanged values are not checked again: a patient restored after their death keeps the time of death.
    """
    check_columns(Patient, {name: values[name] for name in changed})
    if values.get("account_name") and "account_name" in changed and is_blank(fold(values["account_name"])):
        raise Invalid(_("An account name needs characters that can be seen."), "account_name")
    born, deceased = values.get("date_of_birth"), values.get("date_time_deceased")
    if born and "date_of_birth" in changed and not years_before(today, OLDEST_YEARS) <= born <= today:
        raise Invalid(_("The date of birth must lie in the past and within a lifetime."), "date_of_birth")
    if deceased and "date_time_deceased" in changed:
        _check_death(deceased, values["status"], today)
    if deceased and born and {"date_of_birth", "date_time_deceased"} & set(changed) and deceased.date() < born - _A_DAY:
        raise Invalid(_("The time of death lies before the date of birth."), "date_time_deceased")


def _check_death(deceased: datetime.datetime, status: str, today: datetime.date) -> None:
    if status != Status.DECEASED:
        raise Invalid(_("A time of death needs the status deceased."), "date_time_deceased")
    if deceased.date() > today + _A_DAY:
        raise Invalid(_("The time of death lies in the future."), "date_time_deceased")
