"""Rows of bulk imports, and the results of a response."""


def row(number: int = 0, **values) -> dict:
    """Return a good row."""
    return {"first_name": f"First{number}", "last_name": f"Last{number}", **values}


def statuses_of(response) -> list[str]:
    """Return the status of each row, after checking that indices and numbers fit."""
    assert response.status_code == 200, response.content
    body = response.json()
    statuses = [result["status"] for result in body["results"]]
    assert [result["index"] for result in body["results"]] == list(range(len(statuses)))
    kinds = ("created", "updated", "skipped", "failed", "validated")
    assert {kind: body[kind] for kind in kinds} == {kind: statuses.count(kind) for kind in kinds}
    assert sum(body[kind] for kind in kinds) == body["total"] == len(statuses)
    assert all(bool(result["errors"]) == (result["status"] == "failed") for result in body["results"])
    return statuses


def faults(response, index: int) -> list[tuple]:
    """Return (field, type) of what was wrong with a row, after checking that each is placed in its row."""
    errors = response.json()["results"][index]["errors"]
    assert all(error["loc"][:3] == ["body", "rows", index] for error in errors)
    return [(error["loc"][3] if len(error["loc"]) > 3 else "", error["type"]) for error in errors]
