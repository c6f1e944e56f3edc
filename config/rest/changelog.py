"""What the clients of each API notice of a release: read from changelog.toml, whose newest release names the API's version."""

import datetime
import tomllib
from dataclasses import dataclass
from pathlib import Path

from django.utils.safestring import SafeString

from config.core.caching import cached
from config.rest import markdown

SOURCE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Change:
    """One thing that clients notice. It is breaking where a client that worked before may have to be changed."""

    kind: str
    """added, changed, deprecated, removed or fixed."""
    text: str
    breaking: bool

    @property
    def html(self) -> SafeString:
        """What has changed, as HTML."""
        return markdown.line(self.text)


@dataclass(frozen=True)
class Release:
    """The changes of one API that came on one day."""

    version: str
    date: datetime.date
    changes: tuple[Change, ...]

    @property
    def anchor(self) -> str:
        """What the address of the release ends in."""
        return f"version-{self.version}"


@cached
def releases(dialect: str) -> tuple[Release, ...]:
    """Return the releases of the API `dialect`, the newest first."""
    found = []
    for release in tomllib.loads(SOURCE.read_text(encoding="utf-8"))["releases"]:
        if version := release["versions"].get(dialect):
            changes = (
                Change(change["kind"], change["text"], change.get("breaking", False))
                for change in release["changes"]
                if dialect in change["apis"]
            )
            found.append(Release(version, release["date"], tuple(changes)))
    return tuple(found)
