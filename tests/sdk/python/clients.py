"""A client of each API, made as the examples do, for the server and the key that the environment names."""

import os
from typing import TypeVar
from uuid import UUID

import anamnesis_general_api_client
import anamnesis_practice_api_client
import anamnesis_public_api_client
import httpx
from retrying import RetryingTransport

URL, KEY, ORG = os.environ["ANAMNESIS_URL"], os.environ["ANAMNESIS_KEY"], UUID(os.environ["ANAMNESIS_ORG"])
PATIENT = UUID(os.environ["ANAMNESIS_PATIENT"])

retrying = {"transport": RetryingTransport(httpx.HTTPTransport())}
practice = anamnesis_practice_api_client.AuthenticatedClient(base_url=URL, token=KEY, httpx_args=retrying)
public = anamnesis_public_api_client.AuthenticatedClient(base_url=URL, token=KEY, httpx_args=retrying)
general = anamnesis_general_api_client.AuthenticatedClient(
    base_url=URL, token=KEY, prefix="", auth_header_name="X-User-Token", httpx_args=retrying
)

Model = TypeVar("Model")


def parsed(model: type[Model], answer: object) -> Model:
    """Return what the client made of an answer; fail where that is another model."""
    assert isinstance(answer, model), answer
    return answer
