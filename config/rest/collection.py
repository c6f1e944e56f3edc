"""A Postman collection of each API, made of its OpenAPI document: every operation, ready to be sent with its example.

The format is Postman's v2.1; Bruno, Insomnia and others import it. Optional parameters and headers are there, switched off.
"""

from typing import Any

from config.rest.dialects import DIALECTS, Dialect
from config.rest.openapi import Schema
from config.rest.reference import example_of
from config.rest.schema import document

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
LOCAL = "http://127.0.0.1:8000"
# The path parameter that is filled in once for all requests, as the server and the key are.
ORGANIZATION = "org_id"
# What a parameter takes in a request that is only to try, by its name, format or type. Postman makes a new GUID each time.
SAMPLES = {"Idempotency-Key": "{{$guid}}", "date": "2026-11-30", "integer": "1"}


def collection(name: str, server: str = LOCAL) -> dict[str, Any]:
    """Return the collection of the dialect `name`; requests go to `server`, until its variable says otherwise."""
    dialect, made = DIALECTS[name], document(name)
    items: dict[str, list[Schema]] = {tag["name"]: [] for tag in made["tags"]}
    for path, verbs in made["paths"].items():
        for method, operation in verbs.items():
            items[operation["tags"][0]].append(_item(made, path, method.upper(), operation))
    info = made["info"]
    organization = {ORGANIZATION: ""} if any(f"{{{ORGANIZATION}}}" in path for path in made["paths"]) else {}
    variables = {"server": server, "key": "", **organization}
    return {
        "info": {"name": info["title"], "description": info["description"], "version": info["version"], "schema": FORMAT},
        "auth": _auth(dialect),
        "variable": _pairs(variables),
        "item": [{"name": tag["name"], "description": tag["description"], "item": items[tag["name"]]} for tag in made["tags"]],
    }


def file_name(name: str) -> str:
    """Return what the file of a collection is called, as Postman does."""
    return f"anamnesis-{name}.postman_collection.json"


def _auth(dialect: Dialect) -> Schema:
    """Return how every request carries the key."""
    scheme = next(iter(dialect.credentials.values()))
    if "name" not in scheme:
        return {"type": "bearer", "bearer": _pairs({"token": "{{key}}"})}
    return {"type": "apikey", "apikey": _pairs({"key": scheme["name"], "value": "{{key}}", "in": "header"})}


def _pairs(values: dict[str, str]) -> list[Schema]:
    return [{"key": key, "value": value, "type": "string"} for key, value in values.items()]


def _item(made: Schema, path: str, method: str, operation: Schema) -> Schema:
    """Return one request; its body is the example that the document has."""
    found = operation.get("parameters", ())
    request = {
        "method": method,
        "description": operation["description"],
        "header": [_field(parameter) for parameter in found if parameter["in"] == "header"],
        "url": _url(path, found),
    }
    if content := operation.get("requestBody", {}).get("content"):
        ((media_type, media),) = content.items()
        request["header"].append({"key": "Content-Type", "value": media_type})
        request["body"] = {"mode": "raw", "raw": example_of(made, media["schema"]), "options": {"raw": {"language": "json"}}}
    return {"name": operation["summary"], "request": request, "response": []}


def _url(path: str, parameters: Any) -> Schema:
    """Return the address in Postman's parts: `:name` stands for what belongs to one request."""
    path = path.replace(f"{{{ORGANIZATION}}}", f"{{{{{ORGANIZATION}}}}}")
    named = [parameter for parameter in parameters if parameter["in"] == "path" and parameter["name"] != ORGANIZATION]
    for parameter in named:
        path = path.replace(f"{{{parameter['name']}}}", f":{parameter['name']}")
    query = [_field(parameter) for parameter in parameters if parameter["in"] == "query"]
    asked = "&".join(f"{field['key']}={field['value']}" for field in query if not field["disabled"])
    return {
        "raw": "{{server}}" + path + (f"?{asked}" if asked else ""),
        "host": ["{{server}}"],
        "path": path.strip("/").split("/"),
        "query": query,
        "variable": [{"key": parameter["name"], "value": "", "description": parameter["description"]} for parameter in named],
    }


def _field(parameter: Schema) -> Schema:
    """Return a parameter with a value that it takes, if one is known; switched off where a request may leave it out."""
    name, schema = parameter["name"], parameter["schema"]
    samples = (SAMPLES[kind] for kind in (name, schema.get("format"), schema.get("type")) if kind in SAMPLES)
    value = str(schema.get("default", next(samples, "")))
    return {
        "key": name,
        "value": value,
        "description": parameter["description"],
        "disabled": not parameter.get("required", False),
    }
