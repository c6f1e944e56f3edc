"""How many rows a list of the admin has."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

from config.core.totals import number_of


class TotalsPaginator(Paginator):
    """Pages of rows whose number is told by totals where these are kept, and counted elsewhere."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return number_of(rows) if isinstance(rows, QuerySet) else super().count
