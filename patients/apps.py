from django.apps import AppConfig

from patients.triggers import DERIVED_TABLES


class PatientsConfig(AppConfig):
    name = "patients"
    triggers = {
        vendor: tuple(name for table in DERIVED_TABLES for name in table.triggers[vendor]) for vendor in ("postgresql", "sqlite")
    }
