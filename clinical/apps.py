from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from clinical.triggers import MOVES, UPDATED_AT


class ClinicalConfig(AppConfig):
    name = "clinical"
    verbose_name = _("Clinical")
    kept_triggers = (UPDATED_AT, MOVES)
    triggers = {
        "postgresql": ("communication_log_append_only", "communication_log_never_emptied", *UPDATED_AT.names, *MOVES.names),
        "sqlite": (
            *(f"communication_log_append_only_{event}" for event in ("delete", "insert", "update")),
            *UPDATED_AT.names,
            *MOVES.names,
        ),
    }

    def ready(self) -> None:
        """Connect the signal receivers, add the rules of merging, and let serializers of models know the clinical fields."""
        from clinical.serializer_fields import SERIALIZER_FIELDS
        from clinical.services import allergies, appointments, merging, monitoring  # noqa: F401
        from config.rest.fields import ContractSerializer

        ContractSerializer.serializer_field_mapping.update(SERIALIZER_FIELDS)
