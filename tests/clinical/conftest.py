"""Fixtures of clinical tests."""

import pytest

from patients.models import Patient
from tests.clinical.monitored import Monitored
from tests.clinical.substances import Charts


@pytest.fixture
def charts(clinic, api) -> Charts:
    """Return the charts of a patient of the clinic, written by an administrator."""
    return Charts(clinic, clinic.patient(care_group_id=clinic.group.pk), api())


@pytest.fixture
def ward(clinic) -> Monitored:
    """Return the clinic as one that monitors."""
    return Monitored(clinic)


@pytest.fixture
def pair(clinic) -> tuple[Patient, Patient]:
    """Return two records of one person."""
    return clinic.patient(), clinic.patient()
