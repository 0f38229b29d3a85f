"""Measure search on queries with known answers (Spec: 04 section 6)."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instainstru.clock import NEW_YORK
from search.evaluation import Answer, Scores, answer_all, read_queries, refused, score, score_by_tag
from search.snapshot import Snapshot, current_snapshot

# The day for which the expected dates of the development queries hold.
QUERIES_NOW = datetime(2026, 1, 14, 10, tzinfo=NEW_YORK)
HEAD = "queries    S@1    S@5   nDCG@10     P      R     F1    all right   p50 ms   p95 ms"


class Command(BaseCommand):
    """Print the measures of a file of queries, in both modes and by tag."""

    help = "Measure search: manage.py evaluate_search FILE [--compare OLD.json] [--save NEW.json]"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--now", default=QUERIES_NOW.isoformat(), help="ISO 8601, with zone.")
        parser.add_argument("--save", type=Path, help="Write the answers there.")
        parser.add_argument("--compare", type=Path, help="Say what changed since a saved run.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure hybrid search, when there are vectors, and search by words alone."""
        try:
            rows = read_queries(options["file"])
            now = datetime.fromisoformat(options["now"])
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        snapshot, answers = current_snapshot(), {}
        for mode, used in self._modes(snapshot).items():
            answers[mode] = answer_all(rows, now=now, snapshot=used)
            self._print(mode, answers[mode])
        if options["compare"]:
            self._compare(options["compare"], answers)
        if options["save"]:
            kept = {mode: _kept(some) for mode, some in answers.items()}
            options["save"].write_text(json.dumps(kept, ensure_ascii=False, indent=1))

    def _modes(self, snapshot: Snapshot) -> dict[str, Snapshot]:
        lexical = {"lexical": replace(snapshot, vectors=None)}
        if snapshot.vectors is None:
            self.stdout.write("No vectors: run `manage.py embed` first to measure hybrid search.")
            return lexical
        return {"hybrid": snapshot} | lexical

    def _print(self, mode: str, answers: Sequence[Answer]) -> None:
        known = [answer for answer in answers if answer.row.get("expected_services")]
        strange = [answer for answer in answers if answer.row.get("expected_services") == []]
        self.stdout.write(f"\n{mode}\n{'':16}{HEAD}")
        if known:
            self.stdout.write(f"{'all':16}{_line(score(known))}")
            for tag, measured in score_by_tag(known).items():
                self.stdout.write(f"{tag:16}{_line(measured)}")
            self.stdout.write(f"wrongly refused {refused(known):.3f}")
            for answer in known:
                if not answer.is_first_right:
                    self.stdout.write(f"  not first: {answer.row['q']} -> {answer.services[:3]}")
        if strange:
            self.stdout.write(f"rightly refused {refused(strange):.3f} of {len(strange)}")

    def _compare(self, path: Path, answers: dict[str, list[Answer]]) -> None:
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        for mode, some in answers.items():
            for query, now in _kept(some).items():
                then = before.get(mode, {}).get(query)
                if then is not None:
                    self._say_changes(f"changed ({mode}): {query}", then, now)

    def _say_changes(self, title: str, then: dict[str, Any], now: dict[str, Any]) -> None:
        """Print only what is not as it was; a run saved before something was kept has no word."""
        changed = [name for name in now if name in then and then[name] != now[name]]
        if changed:
            self.stdout.write(title)
        for name in changed:
            self.stdout.write(f"  {name}: {then[name]}\n  {' ' * len(name)}  {now[name]}")


def _kept(answers: Sequence[Answer]) -> dict[str, Any]:
    return {
        answer.row["q"]: {
            "services": list(answer.services),
            "match": answer.match,
            "constraints": json.loads(json.dumps(answer.constraints, default=str)),
        }
        for answer in answers
    }


def _line(measured: Scores) -> str:
    values = asdict(measured)
    shares = "  ".join(
        f"{values[name]:.3f}"
        for name in ("first_right", "in_five", "gain", "precision", "recall", "f1", "all_right")
    )
    return f"{measured.queries:7}  {shares}   {measured.p50_ms:8.2f} {measured.p95_ms:8.2f}"
