"""Merging two records of one person, and undoing it.

Every column that refers to a patient has a rule (`rules`), which later apps add for their own tables. What a merge writes is
remembered row by row (`remembering`), so that `unmerge_patients` finds it. docs/merging.md tells it to users.
"""

from patients.services.merging.merge import MergeReport, RowCount, merge_patients, preview_merge
from patients.services.merging.unmerge import unmerge_patients

__all__ = ["MergeReport", "RowCount", "merge_patients", "preview_merge", "unmerge_patients"]
