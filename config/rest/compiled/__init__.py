"""The read path: a serializer and a filter set turned into SQL and one builder function, once.

No response runs a serializer, and no request compiles SQL that an earlier one has compiled. Five steps:

1. `queries.Query` holds a model and criteria. `Query.in_scope(Patient, actor).filter(status="active")`
   is narrowed as a QuerySet is. Each criterion is a frozen dataclass; a field that is declared with
   `parameter` is given at each run, and every other field shapes the SQL.
2. The key under which SQL is kept is made of the types and shaping fields of all criteria, the columns and
   the order (config/core/compiled_queries.py). SQL is made from a copy in which placeholders stand in the
   parameters, so that it cannot hold the value of one request, and a condition on an actor cannot be
   shared with another role. Nobody writes a key.
3. `plans.ResponsePlan` compiles the response's serializer into the columns of that one-table query, the
   `loaders` that stand for joins, and a generated function from row to object.
4. `disclosures.Disclosure` lets what the loaders find and the audit event be parts of the statement that fetches the rows,
   where the database can. Elsewhere loaders and audit run after it, with the same result.
5. `cursors.Keyset` pages by row comparison and seals the positions into cursors.

A condition of one's own::

    @dataclass(frozen=True)
    class FirstSeenSince(Criterion):
        \"\"\"The patients whose first visit was on a day or later.\"\"\"

        day: date = parameter(models.DateField())

        def apply(self, rows: QuerySet) -> QuerySet:
            return rows.filter(date_first_visit__gte=self.day)

    query.filter(FirstSeenSince(day))

Views get a `Query` from `get_queryset`, and rows from `get_object` and `paginate_queryset`; few ask for rows
themselves. Placeholders never leave this package and config/core/compiled_queries.py.
"""
