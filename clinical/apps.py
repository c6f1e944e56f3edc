from django.apps import AppConfig


class ClinicalConfig(AppConfig):
    name = "clinical"

    def ready(self) -> None:
        """Connect the signal receivers, and let serializers of models know the clinical fields."""
        from clinical.serializer_fields import SERIALIZER_FIELDS
        from clinical.services import monitoring  # noqa: F401
        from config.rest.fields import ContractSerializer

        ContractSerializer.serializer_field_mapping.update(SERIALIZER_FIELDS)
