"""What the OpenAPI documents of all dialects say of responses: the errors by status, and headers."""

from config.rest.openapi import INTEGER, TEXT, Schema

# Errors by status: the name of the answer in the document, and what it means.
PROBLEMS = {
    400: ("BadRequest", "The request cannot be read."),
    401: ("Unauthorized", "There is no valid key, or its user is not active."),
    403: ("Forbidden", "The caller's role does not allow this."),
    404: ("NotFound", "There is no such object in the caller's scope."),
    409: ("Conflict", "The request collides with what is stored."),
    410: ("Gone", "The cursor leads no further: begin again without one."),
    412: ("PreconditionFailed", "The object is not in the state that If-Match names."),
    413: ("TooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is not application/json."),
    422: ("Invalid", "Values do not validate; the answer names them."),
    429: ("TooManyRequests", "The limit of requests a minute is used up."),
    503: ("Unavailable", "The server cannot answer now."),
}

# Headers of answers, by their names in the document.
HEADERS: dict[str, Schema] = {
    "RequestId": {"description": "The request's id in the server's log.", "required": True, "schema": TEXT},
    "RateLimit": {"description": "Requests a minute.", "required": True, "schema": INTEGER},
    "RateLimitRemaining": {"description": "Requests left in this minute.", "required": True, "schema": INTEGER},
    "RateLimitReset": {"description": "Seconds until this minute ends.", "required": True, "schema": INTEGER},
    "RetryAfter": {"description": "Seconds to wait.", "required": True, "schema": INTEGER},
    "Deprecation": {"description": "Since when the operation is deprecated: @ and seconds since 1970.", "schema": TEXT},
    "Sunset": {"description": "When the operation is gone, as an HTTP date.", "schema": TEXT},
    "Changelog": {"description": "Where the deprecation is explained, as `rel=deprecation`.", "schema": TEXT},
    "Replayed": {"description": "true where this is the first answer again.", "schema": {"type": "string", "enum": ["true"]}},
    "ETag": {"description": "The state of the object, for If-Match and If-None-Match.", "required": True, "schema": TEXT},
    "Total": {"description": "How many rows there are in all.", "required": True, "schema": INTEGER},
    "Page": {"description": "This page's number.", "required": True, "schema": INTEGER},
    "PageSize": {"description": "How many rows a page holds.", "required": True, "schema": INTEGER},
}

ALWAYS = {"X-Request-Id": "RequestId"}
COUNTED = {
    **ALWAYS,
    "X-RateLimit-Limit": "RateLimit",
    "X-RateLimit-Remaining": "RateLimitRemaining",
    "X-RateLimit-Reset": "RateLimitReset",
}
DEPRECATED = {"Deprecation": "Deprecation", "Sunset": "Sunset", "Link": "Changelog"}


def headers(names: dict[str, str]) -> Schema:
    """Return the headers of an answer: wire name -> name in HEADERS."""
    return {wire: {"$ref": f"#/components/headers/{name}"} for wire, name in names.items()}


def content(schema: Schema) -> Schema:
    """Return `schema` as JSON content."""
    return {"application/json": {"schema": schema}}
