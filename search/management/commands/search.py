"""Answer queries for machines: one JSON line in, one out (Spec: S8.14)."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instainstru import clock
from search.services import run_search

MOST_INSTRUCTORS = 20


class Command(BaseCommand):
    """Read ``{"id","q"}`` lines on standard input; writes no history and no events."""

    help = "Search from JSON lines on standard input: manage.py search --jsonl [--now ISO]"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--jsonl", action="store_true", required=True)
        parser.add_argument("--now", help="Pretend that it is this instant (ISO 8601, with zone).")

    def handle(self, *args: Any, **options: Any) -> None:
        now = self._now(options["now"])
        has_errors = False
        for line in self._lines():
            answer = self._answer(line, now)
            has_errors |= "error" in answer
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        if has_errors:
            raise CommandError("Some lines could not be read.", returncode=1)

    def _lines(self) -> list[str]:
        import sys

        return [line for line in sys.stdin if line.strip()]

    def _now(self, text: str | None) -> datetime:
        if text is None:
            return clock.now()
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise CommandError("--now needs an ISO 8601 instant.") from error
        return found if found.tzinfo else found.replace(tzinfo=clock.NEW_YORK)

    def _answer(self, line: str, now: datetime) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            identifier, text = asked["id"], asked["q"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return {"id": None, "error": f"{type(error).__name__}: {error}"}
        if not isinstance(text, str):
            return {"id": None, "error": "q is not a text"}
        result = run_search(text, now=now)
        return {
            "id": identifier,
            "services": list(result.services),
            "constraints": result.query.constraints,
            "instructors": [hit.offer.slug for hit in result.hits[:MOST_INSTRUCTORS]],
            "took_ms": round(result.took_ms, 2),
            "match": result.match,
            "mode": result.mode,
        }
