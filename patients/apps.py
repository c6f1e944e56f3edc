from django.apps import AppConfig

from patients.triggers import CHANGES, DERIVED_TABLES, UPDATED_AT


class PatientsConfig(AppConfig):
    name = "patients"
    kept_triggers = (UPDATED_AT, CHANGES)
    triggers = {
        vendor: (*(name for table in DERIVED_TABLES for name in table.triggers[vendor]), *UPDATED_AT.names, *CHANGES.names)
        for vendor in ("postgresql", "sqlite")
    }
