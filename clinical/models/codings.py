"""Codes of terminologies."""

from django.core.validators import RegexValidator
from django.db import models

from config.core.orm import CodingsField


class CodeSystem(models.TextChoices):
    """The terminology that a concept's code is taken from: a public one, or the catalog's own words."""

    SNOMED_CT = "snomed_ct", "SNOMED CT"
    RXNORM = "rxnorm", "RxNorm"
    ICD_10 = "icd_10", "ICD-10"
    LOINC = "loinc", "LOINC"
    LOCAL = "local", "This catalog's own"


# Refuses what cannot be an identifier of SNOMED CT. Whether there is such a concept is not looked up.
validate_snomed = RegexValidator(r"\A[0-9]{6,18}\Z", "A SNOMED CT identifier has 6 to 18 digits.")


class CodingListField(CodingsField):
    """A list of different codings; empty where there is none."""

    systems = CodeSystem
