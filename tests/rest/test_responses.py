"""JSON as responses have it."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

from config.rest.responses import to_json


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**300])
@pytest.mark.parametrize("around", [lambda held: held, lambda held: [held, 1.5], lambda held: {"b": {"a": [(held,)]}, "c": "x"}])
def test_a_whole_number_keeps_all_its_digits(number, around):
    assert json.loads(to_json(around(number))) == json.loads(json.dumps(around(number)))


def test_the_rest_is_written_as_it_is_beside_a_smaller_number():
    def values(number: int) -> dict[str, Any]:
        return {"z": [Decimal("1.50"), True, None], "id": uuid.UUID(int=7), "number": number}

    assert to_json(values(2**64), sort_keys=True) == to_json(values(7), sort_keys=True).replace(b"7,", b"18446744073709551616,")


def test_what_is_no_json_is_refused_beside_a_large_number_too():
    for wrong in (object(), [2**64, object()]):
        with pytest.raises(TypeError):
            to_json(wrong)
