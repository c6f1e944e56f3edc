"""The generated OpenAPI documents are the ones that were agreed on."""

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from accounts.management.commands.contracts import SNAPSHOTS
from config.rest.dialects import DIALECTS
from config.rest.schema import DialectGenerator, document, document_yaml, names
from config.urls import urlpatterns


@pytest.mark.parametrize("name", DIALECTS)
def test_document_is_the_committed_one(name):
    same = document_yaml(name) == (SNAPSHOTS / f"{name}.yaml").read_bytes()

    assert same, f"The {name} document has changed. If that is meant, run `make contracts` and commit the difference."


def test_documents_are_written_where_somebody_wants_them(tmp_path):
    call_command("contracts", directory=tmp_path / "openapi")

    written = {path.name: path.read_bytes() for path in (tmp_path / "openapi").iterdir()}
    assert written == {f"{name}.yaml": document_yaml(name) for name in DIALECTS} | {"names.txt": names().encode()}


@pytest.mark.parametrize("name", DIALECTS)
def test_document_is_valid_and_made_without_a_warning(name):
    made = DialectGenerator(DIALECTS[name]).get_schema(public=True)

    validate_schema(made)
    assert not GENERATOR_STATS


@pytest.mark.parametrize("name", DIALECTS)
def test_document_lists_its_own_paths_only(name):
    assert all(path.startswith(DIALECTS[name].base) for path in document(name)["paths"])


def test_every_route_of_every_dialect_is_documented():
    documented = {path for name in DIALECTS for path in document(name)["paths"]}

    assert documented == set(_routes(urlpatterns))


def _routes(patterns, prefix=""):
    """Yield the API routes of the table of contents, catch-alls left out, as documents write them."""
    for found in patterns:
        path = prefix + str(found.pattern)
        if hasattr(found, "url_patterns"):
            yield from _routes(found.url_patterns, path)
        elif path.startswith(("api/", "v1/", "general/")):
            yield "/" + path.replace("<", "{").replace(">", "}")
