"""Query parameters of the general dialect's patient list."""

from config.rest.filters import Parameters
from patients.models import Patient
from patients.reading import SearchParameter


class GeneralPatientFilters(Parameters):
    """Filters of the patient list."""

    search = SearchParameter()

    class Meta:
        model = Patient
        fields: list[str] = []
