"""Fixtures that speak each dialect."""

import pytest

from tests.rest.wire import CHANGES, DIALECTS, Wire


@pytest.fixture(params=DIALECTS)
def wire(request, clinic) -> Wire:
    """Each of the three dialects."""
    return Wire(request.param, clinic)


@pytest.fixture(params=tuple(CHANGES))
def changing_wire(request, clinic) -> Wire:
    """Each of the dialects that can change a patient."""
    return Wire(request.param, clinic)
