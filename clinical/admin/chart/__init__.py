"""The chart page of a patient: one reader for each block, and the pages that show them."""

from clinical.admin.chart import pages

__all__ = ["pages"]
