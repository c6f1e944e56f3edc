"""The texts that are marked for translation, those that are not, and the catalogs: read without the gettext program."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "patients", "clinical", "exports", "config")
TEMPLATES = ROOT / "templates"


class Message(NamedTuple):
    """A text in English as it is marked. `plural` and `context` are "" where there are none."""

    text: str
    plural: str = ""
    context: str = ""


# Function of Django -> what its arguments are, in their order.
MARKS = {
    f"{name}{suffix}": arguments
    for name, arguments in {
        "gettext": ("text",),
        "ngettext": ("text", "plural"),
        "pgettext": ("context", "text"),
        "npgettext": ("context", "text", "plural"),
    }.items()
    for suffix in ("", "_lazy", "_noop")
}
_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(n?p?gettext|_)\({_STRING}(?:, {_STRING})?(?:, {_STRING})?")


def modules() -> list[Path]:
    """Return the Python files whose texts people may see."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in files if "migrations" not in path.parts]


def templates() -> list[Path]:
    """Return the templates of pages. The documentation of the APIs is in English."""
    return [path for path in sorted(TEMPLATES.rglob("*")) if path.is_file() and "docs" not in path.relative_to(TEMPLATES).parts]


def place_of(path: Path) -> str:
    """Return `path` as reports of tests have it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text())


@cache
def marks_in(path: Path) -> dict[str, tuple[str, ...]]:
    """Return by which names a module calls the functions that mark texts, with what their arguments are."""
    named = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)]
    aliases = (alias for node in named if node.module == "django.utils.translation" for alias in node.names)
    return {alias.asname or alias.name: MARKS[alias.name] for alias in aliases if alias.name in MARKS}


def is_mark(path: Path, node: ast.AST) -> bool:
    """Tell whether `node` of a module marks a text."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in marks_in(path)


def of_module(path: Path) -> Iterator[Message]:
    """Yield the messages of a Python file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and is_mark(path, node):
            arguments = marks_in(path)[node.func.id]
            texts = [argument.value for argument in node.args[: len(arguments)] if isinstance(argument, ast.Constant)]
            if len(texts) == len(arguments):
                yield Message(**dict(zip(arguments, texts, strict=True)))


def of_template(path: Path) -> Iterator[Message]:
    """Yield the messages of a template, which Django makes calls of for gettext."""
    for call in _CALL.finditer(templatize(path.read_text(), origin=place_of(path))):
        texts = [ast.literal_eval(text) for text in call.groups()[1:] if text]
        name = "gettext" if call[1] == "_" else call[1]
        yield Message(**dict(zip(MARKS[name], texts, strict=False)))


@cache
def marked() -> dict[Message, str]:
    """Return every message that is marked, with the first file that has it."""
    found: dict[Message, str] = {}
    for path, messages in [
        *((path, of_module(path)) for path in modules()),
        *((path, of_template(path)) for path in templates()),
    ]:
        for message in messages:
            found.setdefault(message, place_of(path))
    return found


class Entry(NamedTuple):
    """A message of a catalog with its translation, in as many forms as the language has for a plural."""

    message: Message
    forms: tuple[str, ...]
    fuzzy: bool = False


_FIELD = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?) (".*"(?:\n".*")*)', re.M)


@cache
def catalog(language: str) -> tuple[Entry, ...]:
    """Return the entries of the catalog of `language`, apart from its head."""
    blocks = _file(language, "po").read_text().split("\n\n")
    return tuple(entry for block in blocks if (entry := _entry(block)) and entry.message.text)


def _file(language: str, kind: str) -> Path:
    return ROOT / "config" / "locale" / language / "LC_MESSAGES" / f"django.{kind}"


def compiled(language: str) -> Path:
    """Return where the compiled catalog of `language` is."""
    return _file(language, "mo")


def _entry(block: str) -> Entry | None:
    fields = {name: "".join(map(ast.literal_eval, text.split("\n"))) for name, text in _FIELD.findall(block)}
    if "msgid" not in fields:
        return None
    message = Message(fields["msgid"], fields.get("msgid_plural", ""), fields.get("msgctxt", ""))
    forms = tuple(text for name, text in fields.items() if name.startswith("msgstr"))
    return Entry(message, forms, bool(re.search(r"^#,.*\bfuzzy\b", block, re.M)))
