"""Who may import whom: docs/decisions/0029-layout-and-imports.md as a table. A model named as "app.Model" is an import too."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "accounts", "patients", "clinical", "exports")
APPS = PACKAGES[1:]
DIALECTS = ("practice", "public", "general")

# Modules under everything, which know no app. Among themselves they import freely; a cycle would not start.
GROUND = ("config.core", "config.keys")

# Every module of the project, lowest first. A module imports from its own entry and from layers below it.
LAYERS: tuple[tuple[str, ...], ...] = (
    GROUND,
    ("config.health", "config.formats"),
    ("accounts.scope",),
    ("accounts.models", "accounts.model_names", "accounts.migrations", "accounts.apps", "accounts.sessions"),
    ("accounts.audit", "accounts.audit_words"),
    ("accounts.services",),
    ("accounts.authentication", "accounts.passwords", "accounts.permissions", "accounts.sign_ins"),
    ("accounts.background",),
    ("config.rest",),
    ("accounts.practice", "accounts.public"),
    (
        "accounts.icons",
        "accounts.clock",
        "accounts.languages",
        "accounts.package_texts",
        "accounts.navigation",
        "accounts.templatetags",
    ),
    ("accounts.mails",),
    ("accounts.site", "accounts.password_pages", "accounts.second_factor_pages", "accounts.sign_in_limits", "accounts.admin"),
    ("accounts.management",),
    ("patients.models", "patients.apps", "patients.triggers", "patients.model_names"),
    ("patients.names",),
    (
        "patients.phones",
        "patients.search",
        "patients.written_dates",
        "patients.duplicates",
        "patients.families",
        "patients.typeahead",
        "patients.ages",
        "patients.labels",
        "patients.audit_words",
    ),
    ("patients.migrations", "patients.finding", "patients.recent"),
    ("patients.services",),
    ("patients.input_serializers", "patients.bulk_import", "patients.import_files", "patients.import_options"),
    ("patients.import_runs",),
    ("patients.serializer_fields", "patients.filters", "patients.views", "patients.changes"),
    ("patients.practice", "patients.public", "patients.general"),
    ("patients.likeness", "patients.completeness"),
    ("patients.templatetags",),
    ("patients.admin",),
    ("patients.management",),
    (
        "clinical.interactions",
        "clinical.severities",
        "clinical.scales",
        "clinical.scheduling",
        "clinical.vitals",
        "clinical.monitoring",
    ),  # pure rules: values in, result out
    ("clinical.fields",),
    ("clinical.models", "clinical.migrations", "clinical.triggers", "clinical.model_names"),
    ("clinical.agenda", "clinical.appointment_labels", "clinical.audit_words"),
    ("clinical.services",),
    ("clinical.synthea", "clinical.serializer_fields", "clinical.filters"),
    ("clinical.apps",),
    ("clinical.practice", "clinical.public", "clinical.general"),
    ("clinical.admin", "clinical.templatetags"),
    ("clinical.management",),
    ("exports.models", "exports.migrations", "exports.apps", "exports.model_names"),
    ("exports.audit_words", "exports.report_columns", "exports.days", "exports.writers", "exports.event_types"),
    ("exports.reports", "exports.lines"),
    ("exports.registry",),
    ("exports.services", "exports.webhooks"),
    ("exports.metrics",),
    ("exports.demo",),
    ("exports.practice", "exports.public"),
    ("exports.admin",),
    ("exports.management",),
    ("config.formats",),  # Django's names of formats
    ("config.settings", "config.apps"),  # names its classes as text; nothing but Django imports them
    ("config.rest.documentation", "config.pages", "config.metrics", "config.admin"),
    ("config.urls",),
    ("config.wsgi",),
    ("config.rsgi",),
)

# Inside an app or dialect, lowest first.
STAGES = ("models", "services", "serializers", "filters", "views", "urls")


class Import(NamedTuple):
    """`module` (in `file`) imports `target`, a module or a name in one."""

    file: str
    module: str
    target: str

    def __str__(self) -> str:
        return f"{self.file} -> {self.target}"


def modules() -> dict[str, Path]:
    """Return every module of the project by its dotted name."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written out in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _model_named(node.value)


def _model_named(text: str) -> Iterator[str]:
    """Yield the module behind "app.Model", where `text` is the name of one."""
    app, _, name = text.partition(".")
    if app in APPS and name.isidentifier() and name.lower() in apps.all_models[app]:
        yield f"{app}.models.{name}"


@cache
def imports() -> list[Import]:
    """Return every import of one of our own modules, or of REST framework."""
    found = []
    for module, path in modules().items():
        for target in imported(ast.parse(path.read_text(encoding="utf-8"))):
            if target.split(".")[0] in (*PACKAGES, "rest_framework"):
                found.append(Import(str(path.relative_to(ROOT)), module, target))
    return found


def layer_of(name: str) -> int | None:
    """Return the layer of a module or of a name in one; None for a package that holds nothing."""
    for rank, layer in enumerate(LAYERS):
        if any(name == entry or name.startswith(f"{entry}.") for entry in layer):
            return rank
    return None


def dialect_of(name: str) -> str | None:
    """Return the dialect that a module belongs to: config.rest.public, patients.public, …"""
    parts = name.split(".")
    place = parts[2:3] if parts[:2] == ["config", "rest"] else parts[1:2]
    return place[0] if place and place[0] in DIALECTS else None


def broken(rule) -> list[str]:
    """Return the imports that break `rule`, as "file -> import"."""
    return sorted({str(found) for found in imports() if rule(found)})


def test_every_module_has_a_layer():
    assert [name for name in modules() if layer_of(name) is None and name not in PACKAGES] == []


def test_a_module_imports_only_from_its_own_layer_and_below():
    def upward(found: Import) -> bool:
        here, there = layer_of(found.module), layer_of(found.target)
        return here is not None and there is not None and there > here

    assert broken(upward) == []


def test_an_app_never_imports_a_later_app():
    def backward(found: Import) -> bool:
        here, there = found.module.split(".")[0], found.target.split(".")[0]
        return here in APPS and there in APPS and APPS.index(there) > APPS.index(here)

    assert broken(backward) == []


def test_one_dialect_never_imports_another():
    def crossing(found: Import) -> bool:
        here, there = dialect_of(found.module), dialect_of(found.target)
        return here is not None and there is not None and here != there

    assert broken(crossing) == []


# Modules that belong to no dialect and may name all of them: the table of contents, the documents, project-wide errors.
OVERLOOKS_ALL_DIALECTS = (
    "config.urls",
    "config.rest.documentation",
    "config.rest.schema",
    "config.rest.dialects",
    "config.rest.fallback",
)


def test_what_belongs_to_no_dialect_knows_none():
    def knowing(found: Import) -> bool:
        neutral = dialect_of(found.module) is None and found.module not in OVERLOOKS_ALL_DIALECTS
        return neutral and dialect_of(found.target) is not None

    assert broken(knowing) == []


def _role(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("role", ["models", "migrations", "services", "scope", "audit", "search", "duplicates", "fields"])
def test_meaning_never_imports_a_wire_format(role):
    def wired(found: Import) -> bool:
        mine = found.module.split(".")[0] in APPS and _role(found.module) == role
        return mine and found.target.startswith(("rest_framework", "config.rest"))

    assert broken(wired) == []


def test_the_ground_knows_no_app_and_no_rest_framework():
    def aloft(found: Import) -> bool:
        grounded = layer_of(found.module) == 0
        return grounded and found.target.split(".")[0] in (*APPS, "rest_framework")

    assert broken(aloft) == []


def test_inside_an_app_views_stand_on_serializers_and_those_on_services():
    def stage(name: str) -> int | None:
        return next((rank for rank, word in enumerate(STAGES) if word in name.split(".")), None)

    def upside_down(found: Import) -> bool:
        same_app = found.module.split(".")[0] == found.target.split(".")[0] in APPS
        here, there = stage(found.module), stage(found.target)
        return same_app and here is not None and there is not None and there > here

    assert broken(upside_down) == []


def test_admin_and_commands_never_import_a_dialect():
    def by_wire(found: Import) -> bool:
        return _role(found.module) in ("admin", "management") and dialect_of(found.target) is not None

    assert broken(by_wire) == []


def test_the_walk_sees_imports_in_functions_and_models_named_as_text():
    tree = ast.parse("def late():\n    from patients.models import Patient\nowner = 'accounts.User'\nword = 'accounts.nobody'\n")
    assert set(imported(tree)) == {"accounts.models.User", "patients.models.Patient"}
