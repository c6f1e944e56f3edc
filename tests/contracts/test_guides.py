"""Guides for clients: Markdown of docs/, as the documentation pages show it."""

import html
import re

import pytest

from config.rest import markdown
from config.rest.guides import DIRECTORY, GUIDES, address

pytestmark = pytest.mark.django_db  # Pages without a session are counted there.
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\|(?!---).*\|$", re.MULTILINE)


@pytest.mark.parametrize("name", GUIDES)
def test_page_shows_all_of_the_file(client, name):
    text, page = (DIRECTORY / f"{name}.md").read_text(encoding="utf-8"), client.get(f"/docs/guides/{name}/").content.decode()
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())

    prose = FENCED.sub("", text)
    assert re.findall(r"<h[1-3] [^>]*>([^<]+)</h", page) == re.findall(r"^#{1,3} (.+)$", prose, re.MULTILINE)
    assert page.count("<tr>") == len(ROW.findall(prose)) > 0
    for code in FENCED.findall(text):
        assert " ".join(code.split()) in words


@pytest.mark.parametrize("name", GUIDES)
def test_every_page_leads_to_it(client, name):
    for path in ("/docs/", "/docs/general/", f"/docs/guides/{name}/"):
        assert f'href="/docs/guides/{name}/"' in client.get(path).content.decode()


def shown(text: str) -> str:
    return markdown.page(text, address)


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("events.md", "/docs/guides/events/"),
        ("events.md#types", "/docs/guides/events/#types"),
        ("#types", "#types"),
        ("decisions/0014-outbox.md", ""),
        ("https://elsewhere.example/events.md", ""),
    ],
)
def test_link_leads_to_a_page_or_is_only_its_words(link, leads_to):
    expected = f'<a href="{leads_to}">the <em>page</em></a>' if leads_to else "the <em>page</em>"
    assert shown(f"See [the *page*]({link}).") == f"<p>See {expected}.</p>\n"


def test_html_in_a_text_is_text():
    assert shown("<script>alert(1)</script>") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
    assert markdown.line("`<b>` <b>") == "<code>&lt;b&gt;</code> &lt;b&gt;"


def test_headings_can_be_linked_to_and_code_be_scrolled_by_keys():
    assert shown("## Reading `them`\n") == '<h2 id="reading-them">Reading <code>them</code></h2>\n'
    for code in ("    a < b\n", "```python\na < b\n```\n"):
        assert shown(code) == '<pre tabindex="0"><code>a &lt; b\n</code></pre>\n'
