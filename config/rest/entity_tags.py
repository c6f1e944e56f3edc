"""ETag, If-Match and If-None-Match of versioned rows (RFC 9110), for dialects that show versions."""

import datetime
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.http import HttpResponse

from config.core.exceptions import PreconditionFailed
from config.core.orm import has_column
from config.rest.responses import ApiResponse, empty_response, to_json
from config.rest.views import DialectViewSet

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
# Proxies that compress answers make tags weak (nginx) or write the coding behind them (Apache).
_TAG = re.compile(r'"([\x21\x23-\x7e]*?)(?:-(?:gzip|br|zstd))?"')


def state_of(version: int, updated_at: datetime.datetime) -> str:
    """Return the part of a tag that every change of the row changes."""
    return f"{version}-{(updated_at - _EPOCH) // _MICROSECOND:x}"


def entity_tag(row: Mapping[str, Any], content: bytes) -> str:
    """Return the ETag of a response that shows `row` as `content`.

    The last part is a digest of what is shown: names of other rows stand in it too, which change without this one, and
    each role has its own shape.
    """
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return f'"{state_of(row["version"], row["updated_at"])}-{digest}"'


def _named(header: str) -> list[str]:
    """Return the tags in a list of them, weak ones too, without their quotes and what a proxy has added."""
    return _TAG.findall(header)


def names_tag(if_none_match: str, tag: str) -> bool:
    """Tell whether If-None-Match names the ETag `tag`, weakly compared."""
    return if_none_match.strip() == "*" or tag.strip('"') in _named(if_none_match)


def names_state(if_match: str, state: str) -> bool:
    """Tell whether If-Match names a tag of a row in `state`, whatever of other rows was shown with it.

    A weak tag counts, which RFC 9110 would not have: it says as much about the state as any other.
    """
    return if_match.strip() == "*" or state in (tag.rpartition("-")[0] for tag in _named(if_match))


class ConditionalViewSet(DialectViewSet):
    """A view set of rows that may have versions: their responses carry an ETag, and requests may name the state they expect.

    A GET with If-None-Match is 304 where nothing has changed, and audited as any other. A write with
    If-Match is 412 where the row is in another state, which is told before what is wrong with its body.
    """

    def respond(self, data: Any, status: int = 200, extra: Mapping[str, Any] | None = None) -> ApiResponse:
        response = super().respond(data, status, extra)
        if "version" in data:
            response["ETag"] = entity_tag(data, to_json(data) if extra else response.content)
        return response

    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().retrieve(request, *args, **kwargs)
        expected = request.headers.get("If-None-Match")
        if expected is None or "ETag" not in response or not names_tag(expected, response["ETag"]):
            return response
        return empty_response(304, {"ETag": response["ETag"]})

    def get_valid_serializer(self, payload: Any) -> Any:
        # A body needs no base_version beside the state that the header names; one that has both is held to both.
        if self.matched_version is not None:
            payload = {"base_version": self.matched_version, **payload}
        return super().get_valid_serializer(payload)

    @cached_property
    def matched_version(self) -> int | None:
        """The version of the row that the path names, in a state that If-Match names; None without the header.

        Raises PreconditionFailed in another state.
        """
        expected = self.request.headers.get("If-Match")
        if expected is None or self.lookup_url_kwarg not in self.kwargs or not has_column(self.model, "version"):
            return None
        version, updated_at = self.get_row(id=self.object_id, columns=("version", "updated_at"))
        if not names_state(expected, state_of(version, updated_at)):
            raise PreconditionFailed
        return version

    def written_response(self, written: Any, status: int) -> tuple[ApiResponse, int]:
        response, pk = super().written_response(written, status)
        # Nothing was locked when the state was compared, and some writes have no base_version: one more may have come between.
        if self.matched_version is not None and _version_in(response["ETag"]) > self.matched_version + 1:
            raise PreconditionFailed
        return response, pk


def _version_in(tag: str) -> int:
    return int(tag.strip('"').partition("-")[0])
