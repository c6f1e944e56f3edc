from django.apps import AppConfig


class ClinicalConfig(AppConfig):
    name = "clinical"

    def ready(self) -> None:
        """Connect what this app does on the events of others."""
        from clinical.services import monitoring  # noqa: F401
