"""Texts that people see and that nobody has marked for translation: in templates, and in Python where texts of pages stand."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, TokenType

from tests.messages import is_mark, place_of, tree_of

_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{2,}")
# A template may hold attributes for the tag around it.
_ATTRIBUTES_ONLY = re.compile(r'(?:[\w:-]+="[^"]*"\s*)+')
# What people are told or shown by attributes of HTML.
ATTRIBUTES = {"aria-label", "aria-description", "title", "placeholder", "alt", "label"}
_UNSHOWN = {"script", "style", "svg", "code", "kbd", "pre"}
# Names that are the same in every language.
SAME_EVERYWHERE = {"Anamnesis", "CSV", "JSON", "ms"}
# Reasons that the server writes into a row, in English whoever acts.
STORED = {"Compared with those who look alike: someone else."}


class ShownTexts(HTMLParser):
    """Collects what people read of HTML: the texts in `found`, and in `told` those of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.told: list[str] = []
        self.unshown = 0
        self.icon = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unshown += tag in _UNSHOWN
        # The font of icons makes pictures of words.
        self.icon = tag == "span" and "material-symbols" in (dict(attrs).get("class") or "")
        self.told += [value for name, value in attrs if name in ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self.unshown -= tag in _UNSHOWN
        self.icon = False

    def handle_data(self, data: str) -> None:
        if not self.unshown and not self.icon:
            self.found.append(data)


def in_template(source: str) -> list[str]:
    """Return the texts of a template that have a word and are not marked."""
    reader = ShownTexts()
    reader.feed("".join(_outside_of_marks(source)))
    reader.close()
    words = (" ".join(text.split()).strip("| ") for text in (*reader.found, *reader.told))
    return [text for text in words if _WORD.search(text) and text not in SAME_EVERYWHERE and not _ATTRIBUTES_ONLY.fullmatch(text)]


def _outside_of_marks(source: str) -> Iterator[str]:
    """Yield the HTML of a template, without what `blocktranslate` and `comment` enclose, and a blank for each tag."""
    inside = ""
    for token in Lexer(source).tokenize():
        name = token.contents.split(" ")[0] if token.token_type == TokenType.BLOCK else ""
        if inside:
            inside = "" if name == f"end{inside}" else inside
        elif name in ("blocktranslate", "blocktrans", "comment"):
            inside = name
        elif token.token_type == TokenType.TEXT:
            yield token.contents
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            yield " "


# Whose value is shown to people: attributes of classes, and arguments by their name.
_SHOWN = frozenset(
    (
        *("add_label", "all_option", "description", "empty_label", "empty_value_display", "help_text", "hint", "label", "noun"),
        *("placeholder", "short_description", "submit_label", "title", "verbose_name", "verbose_name_plural"),
    )
)
# Functions and classes whose first arguments are shown: how many of them.
_TELLING = {
    **dict.fromkeys(("Conflict", "Gone", "Invalid", "NotFound", "NotPermitted", "ValidationError"), 1),
    **dict.fromkeys(("success", "warning", "info", "error"), 2),
    **dict.fromkeys(("add_error", "Warning"), 2),
}
_MESSAGES = ("default_error_messages", "error_messages", "constraint_fields")
# A sentence, or two words and more that begin as one.
_WORDS = re.compile(r"[A-Z][\w’'-]*(?: [\w’'“”(),;:%.-]+)+[.?!]?")


def in_module(path: Path) -> Iterator[str]:
    """Yield the unmarked texts of a Python file, each with its line."""
    tree = tree_of(path)
    innocent = {id(node) for known in _innocent(path, tree) for node in ast.walk(known)}
    for node in _shown(path, tree):
        for text in ast.walk(node):
            if id(text) not in innocent and _is_text(text):
                yield f"{place_of(path)}:{text.lineno}: {text.value}"  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and bool(_WORD.search(node.value))
        and node.value not in STORED
    )


def _innocent(path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what marks a text, and what no page shows: keys, attributes, comparisons, docstrings, defects of ours."""
    for node in ast.walk(tree):
        if is_mark(path, node):
            yield node
        elif isinstance(node, ast.Subscript):
            yield node.slice
        elif isinstance(node, ast.Compare) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield node
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key is not None)
        elif isinstance(node, ast.Call) and any(word.arg == "editable" for word in node.keywords):
            yield node  # A column that no form shows.
        elif isinstance(node, ast.Call):
            yield from (word.value for word in node.keywords if word.arg in ("code", "field", "format", "key", "kind", "name"))


def _shown(path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node)
        elif isinstance(node, ast.Call):
            yield from (word.value for word in node.keywords if word.arg in _SHOWN and not isinstance(word.value, ast.Dict))
            yield from (_first_texts(node))
        elif "admin" in path.parts and _is_text(node) and _WORDS.fullmatch(node.value):  # type: ignore[attr-defined]
            yield node


def _of_class(node: ast.ClassDef) -> Iterator[ast.AST]:
    """Yield what a class says by its attributes, and the labels of its choices."""
    is_choice = any(isinstance(base, ast.Attribute | ast.Name) and "Choices" in ast.unparse(base) for base in node.bases)
    for line in node.body:
        if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
            continue
        name, value = line.targets[0].id, line.value
        if name in _SHOWN:
            yield value
        elif name in _MESSAGES and isinstance(value, ast.Dict):
            yield from (each.elts[1] if isinstance(each, ast.Tuple) else each for each in value.values)
        elif is_choice and isinstance(value, ast.Tuple):
            yield from value.elts[1:]


def _first_texts(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the arguments of a call that are told: of `messages.success(request, …)`, `Invalid(…)`."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("success", "warning", "info", "error") and "messages" not in ast.unparse(node.func):
        return
    for argument in node.args[: _TELLING.get(name, 0)]:
        is_field = name == "add_error" and argument is node.args[0]
        if not is_field:
            yield argument
