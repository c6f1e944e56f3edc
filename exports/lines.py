"""Lines of reports that PostgreSQL writes: the bytes that `exports/writers.py` makes of the same rows.

To turn rows into cells takes Python five times as long as the database takes to find them. So the columns of
a report say in SQL too what they show (`SqlText`). Where all of them do, a chunk leaves the database as one
text, together with whose rows it holds. Where one cannot, as an encrypted one, and on SQLite, Python writes.

The statement is the response's plan once more: the page, which is the report's own query with the columns
of the plan; the rows that the loaders find by the keys of the page; and an expression that makes a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from django.db.models.expressions import RawSQL
from rest_framework import serializers

from config.core.compiled_queries import CompiledQuery, planned_anew, reading
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Computed, ResponsePlan, SqlText
from config.rest.compiled.queries import Query
from exports.report_columns import FirstRow, OfFirstRow
from exports.writers import FORMULA, FORMULA_SIGNS, NUMBER, Lines, Rows

_NATIVE: Mapping[type[serializers.Field], SqlText] = {
    serializers.CharField: SqlText("{0}"),
    serializers.UUIDField: SqlText("{0}::text", verbatim=True),
    serializers.IntegerField: SqlText("{0}::text", verbatim=True),
    serializers.DateField: SqlText("to_char({0}, 'YYYY-MM-DD')", verbatim=True),
}


def _literal(text: str) -> str:
    """Return `text` as SQL of a statement that has parameters."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


class LineFormat:
    """How cells and lines are written in SQL. Arguments are columns of text, and what is null stays null until `line`."""

    special: ClassVar[str]
    """Characters that a text may not have where it is written by `plain`."""

    def plain(self, text: str) -> str:
        """Return the cell of a text without special characters."""
        raise NotImplementedError

    def careful(self, text: str) -> str:
        """Return the cell of any text."""
        raise NotImplementedError

    def line(self, names: Iterable[str], cells: Iterable[str]) -> str:
        """Return the line of cells."""
        raise NotImplementedError

    def guarded(self, text: str) -> str:
        """Return the cell of any text, of which few have special characters."""
        return f"CASE WHEN {text} ~ {self.special} THEN {self.careful(text)} ELSE {self.plain(text)} END"


class CsvFormat(LineFormat):
    """CSV: an apostrophe before what a spreadsheet would run, then quotes as in RFC 4180."""

    special = _literal(rf'[",\t\r\n{FORMULA_SIGNS}]')

    def plain(self, text: str) -> str:
        return text

    def careful(self, text: str) -> str:
        # Most of these texts have no sign of a formula, and are spared the search for where one begins.
        signs, number = _literal(rf"[\t\r\n{FORMULA_SIGNS}]"), _literal(f"^({NUMBER})$")
        harmless = f"{text} !~ {signs} OR {text} ~ {number}"
        defused = f"CASE WHEN {harmless} THEN {text} ELSE regexp_replace({text}, {_literal(FORMULA)}, '''', 'g') END"
        quoted = f"""'"' || replace({defused}, '"', '""') || '"'"""
        return rf"""CASE WHEN {text} ~ '[",\r\n]' THEN {quoted} ELSE {defused} END"""

    def line(self, names: Iterable[str], cells: Iterable[str]) -> str:
        given = ", ".join(f"coalesce({cell}, '')" for cell in cells)
        return rf"concat_ws(',', {given}) || E'\r\n'"


class NdjsonFormat(LineFormat):
    """One JSON object a line."""

    special = _literal(r'["\\\u0001-\u001f]')

    def plain(self, text: str) -> str:
        return f"""'"' || {text} || '"'"""

    def careful(self, text: str) -> str:
        return f"to_json({text})::text"

    def line(self, names: Iterable[str], cells: Iterable[str]) -> str:
        members = ", ',', ".join(f"""'"{name}":', coalesce({cell}, 'null')""" for name, cell in zip(names, cells, strict=True))
        return rf"concat('{{', {members}, E'}}\n')"


LINE_FORMATS: Mapping[str, LineFormat] = {"csv": CsvFormat(), "ndjson": NdjsonFormat()}


class Cell(NamedTuple):
    """What a report shows in one column, in SQL over `columns`: of the page, or of the row that `loader` finds for `key`."""

    sql: SqlText
    columns: Sequence[str]
    is_number: bool
    loader: FirstRow | None = None
    key: str = ""

    def text(self, places: Sequence[Any], prefix: str) -> str:
        """Return the SQL where the columns are called by `prefix` and their number among `places`."""
        return self.sql.template.format(*(f"{prefix}{places.index(column)}" for column in self.columns))

    def written(self, text: str, form: LineFormat, *, guarded: bool) -> str:
        """Return what a line has where `text` is the name of the text."""
        if self.is_number:
            return text
        return form.guarded(text) if guarded and not self.sql.verbatim else form.plain(text)


def cell_of(declared: serializers.Field, *, is_number: bool) -> Cell | None:
    """Return the cell of a field, None where the field does not say in SQL what it shows."""
    if isinstance(declared, OfFirstRow):
        shown = declared.shown
        return shown.sql and Cell(shown.sql, shown.columns, is_number, declared.loader, str(declared.source))
    if isinstance(declared, Computed):
        return declared.sql and Cell(declared.sql, declared.columns, is_number)
    native = _NATIVE.get(type(declared))
    return native and Cell(native, [str(declared.source).replace(".", "__")], is_number)


class Chunk(NamedTuple):
    """Some rows of a report: as they are shown, rows of the plan with at least one of each patient in them, and where they end.

    `last` is the position of the last row, None where nothing follows.
    """

    shown: Rows
    read: list[tuple]
    last: tuple | None


class LineStatement:
    """The statement that writes the lines of a report: SQL around that of the page, which brings the values of the caller.

    In it c0, c1, … are the columns of the page, r0, r1, … those of a row that a loader finds, and v0, v1, … the cells.
    """

    def __init__(self, plan: ResponsePlan, order: Keyset, form: LineFormat, cells: Mapping[str, Cell]):
        self._form, self._names = form, list(cells)
        self._cells = {f"v{number}": cell for number, cell in enumerate(cells.values())}
        self._order, self._columns = order.columns, plan.columns.plus(order.column)
        self._params: list[Any] = []
        self._sql = self._around_page(1 if plan.patient is None else plan.patient)

    def read(self, query: Query, size: int) -> Chunk:
        """Return the first `size` rows of `query`."""
        page = query.bind(self._columns, self._order, f" LIMIT {size}")
        if not page.sql:
            return Chunk([], [], None)
        with reading(page.query.using) as cursor, planned_anew(page.query.using):
            statement = self._sql.replace("{page}", page.sql, 1)
            cursor.execute(statement, [*page.driver_parameters(), *self._params])
            number, text, read, last = cursor.fetchone()
        return Chunk(Lines(text or b"", number), list(zip(*read, strict=True)), last if number == size else None)

    def _around_page(self, about: int) -> str:
        """Return the statement, in which one row of the page stands for all that have the same value in column `about`."""
        names = [f"c{number}" for number in range(len(self._columns))]
        key, ids = names[-1], names[: max(about, 1) + 1]
        return f"""
            WITH page ({", ".join(names)}) AS MATERIALIZED ({{page}}){"".join(self._found())}
            SELECT count(*), convert_to(string_agg(line, '' ORDER BY key, id), 'UTF8'),
                (SELECT ARRAY[{", ".join(f"array_agg({name})" for name in ids)}]
                    FROM (SELECT DISTINCT ON (c{about}) {", ".join(ids)} FROM page) AS read),
                (SELECT last FROM (SELECT {key}, c0 FROM page ORDER BY {key} DESC, c0 DESC LIMIT 1) AS last)
            FROM (SELECT key, id, {self._line()} AS line FROM ({self._page_cells(key)}) AS cells) AS lines"""  # noqa: S608

    @property
    def _joins(self) -> dict[tuple[FirstRow, str], dict[str, Cell]]:
        """The cells of found rows, by the loader and the column that has its key."""
        joins: dict[tuple[FirstRow, str], dict[str, Cell]] = {}
        for name, cell in self._cells.items():
            if cell.loader:
                joins.setdefault((cell.loader, cell.key), {})[name] = cell
        return joins

    def _found(self) -> Iterable[str]:
        """Yield the parts of the WITH clause that find rows by the keys of the page, with their cells written."""
        for number, ((loader, key), cells) in enumerate(self._joins.items()):
            keys = RawSQL(f"ARRAY(SELECT c{self._columns.index(key)} FROM page)", ())  # noqa: S608, S611
            rows = CompiledQuery(loader.rows(keys).queryset())
            self._params += rows.params
            columns = ", ".join(f"r{place}" for place in range(len(loader.columns)))
            texts = ", ".join(f"{cell.text(loader.columns, 'r')} AS {name}" for name, cell in cells.items())
            written = ", ".join(f"{cell.written(name, self._form, guarded=True)} AS {name}" for name, cell in cells.items())
            # OFFSET 0: a text is worked out once, however often a cell names it.
            yield f""",
                found{number} AS (
                    SELECT found, {written}
                    FROM (SELECT found, {texts} FROM ({rows.sql}) AS rows (found, {columns}) OFFSET 0) AS texts
                )"""  # noqa: S608

    def _page_cells(self, key: str) -> str:
        """Return a SELECT of what lines are made of: the texts of the page, and the written cells of found rows."""
        cells = (name if cell.loader else f"{cell.text(self._columns, 'c')} AS {name}" for name, cell in self._cells.items())
        joins = (
            f" LEFT JOIN found{number} ON found{number}.found = c{self._columns.index(column)}"
            for number, (_, column) in enumerate(self._joins)
        )
        return f"SELECT {key} AS key, c0 AS id, {', '.join(cells)} FROM page{''.join(joins)} OFFSET 0"  # noqa: S608

    def _line(self) -> str:
        """Return a line. One look tells whether any text in it has to be written with care, which few have."""
        texts = [name for name, cell in self._cells.items() if not (cell.loader or cell.sql.verbatim)]
        plain, guarded = (self._form.line(self._names, self._written(guarded=guarded)) for guarded in (False, True))
        return f"CASE WHEN concat({', '.join(texts)}) ~ {self._form.special} THEN {guarded} ELSE {plain} END" if texts else plain

    def _written(self, *, guarded: bool) -> list[str]:
        return [name if cell.loader else cell.written(name, self._form, guarded=guarded) for name, cell in self._cells.items()]
