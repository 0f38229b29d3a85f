"""How tests call the API."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client


def call(client: Client, method: str, path: str, body: Any = None, key: str = "") -> HttpResponse:
    """Send JSON as a program does; ``key`` is the header of R14."""
    headers = {"Idempotency-Key": key} if key else {}
    text = "" if body is None else json.dumps(body)
    return client.generic(method, path, text, content_type="application/json", headers=headers)
