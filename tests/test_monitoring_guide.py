"""docs/monitoring.md: its metrics, alerts and log fields are those that there are."""

import re

import pytest
import yaml

from config.core.metrics import LIMITS
from tests.test_import_law import ROOT
from tests.test_metrics import scrape
from tests.test_privacy import lines  # noqa: F401 - a fixture

GUIDE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
ONLY_ON_POSTGRESQL = {"anamnesis_database_sessions", "anamnesis_database_sessions_allowed"}
# What a histogram shows beside its name.
PARTS = re.compile(r"_(bucket|count|sum)$")


@pytest.fixture
def names(db) -> set[str]:
    """Return the names of all metrics of the product that the page shows."""
    text = scrape().content.decode()
    found = set(re.findall(r"^# TYPE (anamnesis_\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE))
    return {name for name in found if not name.endswith("_created")}


def rules() -> list[dict]:
    (block,) = (block for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL) if "alert:" in block)
    (group,) = yaml.safe_load(block)["groups"]
    return group["rules"]


def test_the_table_names_every_metric(names):
    table = set(re.findall(r"^\| `(anamnesis_\w+)` \|", GUIDE, re.MULTILINE))
    assert table == names | ONLY_ON_POSTGRESQL


def test_the_table_names_every_limit():
    (row,) = re.findall(r"^\| `anamnesis_rate_limited_total` \|(.*)$", GUIDE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) - {"limit"} == set(LIMITS)


def test_there_are_five_alerts_about_metrics_that_there_are_and_each_says_why(names):
    assert len(rules()) == 5
    for rule in rules():
        used = {PARTS.sub("", name) for name in re.findall(r"anamnesis_\w+", rule["expr"])}
        assert used, rule["alert"]
        assert used <= names, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        word = re.sub(r"(?<!^)([A-Z])", r" \1", rule["alert"].removeprefix("Anamnesis")).capitalize()
        assert re.search(rf"^- \*\*{word}\b", GUIDE, re.MULTILINE), rule["alert"]


def test_the_line_in_the_guide_has_the_fields_of_a_line(api, lines):  # noqa: F811
    api().get("/v1/me")
    (line,) = lines()
    (example,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert list(yaml.safe_load(example)) == list(line)
