"""The blocks of the chart page, by name: the id of their section and the last part of the address that refreshes them."""

from clinical.admin.chart import (
    access,
    allergies,
    appointments,
    background,
    banner,
    communication,
    contact,
    family,
    measurements,
    medications,
    monitoring,
    problems,
    vital_signs,
)
from clinical.admin.chart.reading import Block, ask_nothing

_BLOCKS = (
    Block("medications", medications.ask, medications.build),
    Block("problems", problems.ask, problems.build),
    Block("allergies", allergies.ask, allergies.build),
    Block("vital-signs", vital_signs.ask, vital_signs.build),
    Block("measurements", measurements.ask, measurements.build),
    Block("monitoring", monitoring.ask, monitoring.build),
    Block("family", family.ask, family.build),
    Block("contact", ask_nothing, contact.build),
    Block("appointments", appointments.ask, appointments.build),
    Block("communication", communication.ask, communication.build),
    Block("social-history", background.ask_social_history, background.build_social_history),
    Block("tags", background.ask_tags, background.build_tags),
    Block("access", access.ask, access.build),
)
BLOCKS = {block.name: block for block in _BLOCKS}
# What is on paper: all rows of some blocks, and the same as on the page of others.
PRINTED_WHOLE = ("medications", "problems", "allergies")
PRINTED = ("vital-signs", "family", "contact", "appointments")
BANNER = banner.BANNER
