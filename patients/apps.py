from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from patients.triggers import CHANGES, DERIVED_TABLES, MOVES, UPDATED_AT


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = _("Patients")
    kept_triggers = (UPDATED_AT, MOVES, CHANGES)
    triggers = {
        vendor: (
            *(name for table in DERIVED_TABLES for name in table.triggers[vendor]),
            *(name for triggers in (UPDATED_AT, MOVES, CHANGES) for name in triggers.names),
        )
        for vendor in ("postgresql", "sqlite")
    }
