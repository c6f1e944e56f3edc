"""The changelog of each API: what is written of a release, where it is shown, and the version that documents state."""

import re
from xml.etree import ElementTree

import pytest

from config.rest.changelog import releases
from config.rest.dialects import DIALECTS
from config.rest.schema import document

pytestmark = pytest.mark.django_db  # Pages without a session are counted there.
KINDS = {"added", "changed", "deprecated", "removed", "fixed"}
ATOM = "{http://www.w3.org/2005/Atom}"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@pytest.mark.parametrize("name", DIALECTS)
def test_releases_follow_each_other(name):
    found = releases(name)
    assert [release.date for release in found] == sorted({release.date for release in found}, reverse=True)
    assert [numbers(release.version) for release in found] == sorted({numbers(each.version) for each in found}, reverse=True)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_release_says_what_clients_notice(name):
    for release in releases(name):
        assert release.changes, release.version
        assert {change.kind for change in release.changes} <= KINDS
        assert all(re.fullmatch(r"[A-Z`].+\.", change.text) for change in release.changes)


@pytest.mark.parametrize("name", DIALECTS)
def test_document_has_the_version_of_the_newest_release(name):
    assert document(name)["info"]["version"] == releases(name)[0].version


@pytest.mark.parametrize("name", DIALECTS)
def test_page_shows_every_release_with_its_changes(client, name):
    page = client.get(f"/docs/{name}/changelog/").content.decode()
    assert re.findall(r'<h2 id="version-([\d.]+)">', page) == [release.version for release in releases(name)]
    changes = [change for release in releases(name) for change in release.changes]
    assert re.findall(r"<li>.*?</span> (.*?)</li>", page) == [change.html for change in changes]
    assert page.count("Breaking:") == sum(change.breaking for change in changes) > 0


def test_page_shows_the_changes_of_its_own_api_only(client):
    pages = {name: client.get(f"/docs/{name}/changelog/").content.decode() for name in DIALECTS}
    assert [name for name, page in pages.items() if "<code>ETag</code>" in page] == ["practice"]
    assert [name for name, page in pages.items() if "gauges" in page] == ["general"]


@pytest.mark.parametrize("name", DIALECTS)
def test_feed_has_an_entry_for_every_release(client, name):
    response = client.get(f"/docs/{name}/changelog.atom")
    feed = ElementTree.fromstring(response.content)  # noqa: S314 - of this server
    entries = feed.findall(f"{ATOM}entry")
    page = f"http://testserver/docs/{name}/changelog/"

    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert feed.findtext(f"{ATOM}updated") == f"{releases(name)[0].date}T00:00:00+00:00"
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [f"{page}#{release.anchor}" for release in releases(name)]
    for entry, release in zip(entries, releases(name), strict=True):
        assert all(change.html in entry.findtext(f"{ATOM}summary") for change in release.changes)
