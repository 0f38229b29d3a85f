"""Figures of a run: medians, ratios within the rounds, verdicts, and the written report."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.load import Load
from tests.bench.rows import (
    CONNECT_OVERHEAD_MS,
    EARLY,
    LIVE,
    NOT_MEASURED,
    RECONCILE_SECONDS,
    RECONCILED,
    Goal,
    Row,
)

VERSION: Final = 1
ROOT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = Path(__file__).with_name("results")
DOCUMENT: Final = ROOT / "docs" / "benchmarks.md"
NEARLY: Final = 0.9
REGRESSION: Final = 0.8
"""A ratio below this share of the last report's is flagged (Spec: S18.1)."""
LOUD_CORES: Final = 0.5
INTRODUCTION: Final = """# Benchmarks

Written by `bin/bench`. Absolute rates drift with the machine, so goals are ratios formed within
each round of one run: E is an early page of the floor app (`tests/bench/floor`), L its live home.
Both apps are served with the same flags and use the same database server.
"""
LOUD: Final = f"""
**Other programs kept more than {LOUD_CORES} cores busy during some rows** (last column): compare
the ratios and the CPU columns rather than the rates, and repeat on a quiet machine."""
CONNECT: Final = """A new database connection takes {plain_ms:.1f} ms, through the tier gate
{gated_ms:.1f} ms: the gate adds {overhead_ms:.2f} ms (median; at most {most:g})."""
SIGN_IN: Final = """A wrong password is answered in {known_ms:.1f} ms for an address that has an
account and in {unknown_ms:.1f} ms for one that has none: {difference_ms:.1f} ms apart, where half
the tries differ from each other by {noise_ms:.1f} ms or more."""
RECONCILE: Final = """The nightly comparison with the gateway's books takes {seconds:.1f} s for
{charges:,.0f} charges: {each:.1f} s for {many:,} (at most {most} s)."""
OK, WARN, MISS = "ok", "WARN", "MISS"


@dataclass(frozen=True)
class Sample:
    """One row in one round."""

    load: Load
    app_ms: float
    """Processor milliseconds of the web server for each request."""
    data_ms: float
    """The same for PostgreSQL and Valkey."""
    foreign_cores: float
    """Cores that other programs kept busy meanwhile."""


@dataclass(frozen=True)
class Spread:
    """A median with its range."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


def ratios(page: Sequence[Sample], floor: Sequence[Sample]) -> Spread:
    """Return how many times the floor's rate a page reaches, formed round by round."""
    pairs = zip(page, floor, strict=True)
    return Spread.of([mine.load.rate / base.load.rate for mine, base in pairs])


def verdict(goal: Goal, ratio: float) -> str:
    """Return ok from the goal up, WARN from nine tenths of it, else MISS."""
    if ratio >= goal.factor:
        return OK
    return WARN if ratio >= NEARLY * goal.factor else MISS


def summarise(rows: Sequence[Row], samples: Mapping[str, Sequence[Sample]]) -> list[dict[str, Any]]:
    """Return one plain record for each row, ready for JSON and for the table."""
    return [_summary(row, samples) for row in rows]


def _summary(row: Row, samples: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    own = samples[row.key]
    times_floor = {name: asdict(ratios(own, samples[name])) for name in (EARLY, LIVE)}
    return {
        "key": row.key,
        "title": row.title,
        "rate": asdict(Spread.of([sample.load.rate for sample in own])),
        "p50_ms": statistics.median(sample.load.p50_ms for sample in own),
        "p99_ms": statistics.median(sample.load.p99_ms for sample in own),
        "app_ms": statistics.median(sample.app_ms for sample in own),
        "data_ms": statistics.median(sample.data_ms for sample in own),
        "foreign_cores": statistics.median(sample.foreign_cores for sample in own),
        "kb": statistics.median(sample.load.bytes / sample.load.requests for sample in own) / 1000,
        "ratio": times_floor,
        "goals": [
            {
                "name": goal.name,
                "text": goal.text,
                "verdict": verdict(goal, times_floor[goal.floor]["median"]),
            }
            for goal in row.goals
        ],
    }


def regressions(report: Mapping[str, Any], last: Mapping[str, Any] | None) -> list[str]:
    """Return the rows that lost more than a fifth against the last report, on their own floor.

    Only a report of the same version and size of city can be compared. Spec: S18.1.
    """
    if last is None or any(last[name] != report[name] for name in ("version", "instructors")):
        return []
    before = {row["key"]: row["ratio"] for row in last["rows"]}
    found = []
    for row in report["rows"]:
        old, new = before.get(row["key"]), row["ratio"][LIVE]["median"]
        if old is not None and new < REGRESSION * old[LIVE]["median"]:
            found.append(f"{row['title']}: {new:.2f} L, was {old[LIVE]['median']:.2f} L")
    return found


def has_missed(report: Mapping[str, Any]) -> bool:
    """Whether a goal is missed by more than a tenth, the gate or the books cost too much, or time
    tells who has an account.
    """
    verdicts = [goal["verdict"] for row in report["rows"] for goal in row["goals"]]
    is_told_apart = report["sign_in"]["difference_ms"] > report["sign_in"]["noise_ms"]
    is_slow = report["connect"]["overhead_ms"] > CONNECT_OVERHEAD_MS
    is_late = _reconcile_seconds(report["reconcile"]) > RECONCILE_SECONDS
    return MISS in verdicts or is_slow or is_told_apart or is_late


def _reconcile_seconds(found: Mapping[str, float]) -> float:
    """Return the seconds that the goal's number of charges take."""
    return found["seconds"] * RECONCILED / found["charges"]


def reconcile_words(found: Mapping[str, float]) -> str:
    """Return how long the comparison of the books took, with its goal."""
    each = _reconcile_seconds(found)
    return RECONCILE.format(**found, each=each, many=RECONCILED, most=RECONCILE_SECONDS)


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table."""
    head = ["page", "req/s [range]", "p50 ms", "p99 ms", "app CPU ms", "data CPU ms", "KB"]
    head += ["x E", "x L [range]", "goal", "others' cores"]
    lines = [head, ["---", *["---:"] * 8, "---", "---:"], *map(_cells, rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _cells(row: Mapping[str, Any]) -> list[str]:
    rate, live = row["rate"], row["ratio"][LIVE]
    return [
        row["title"],
        f"{rate['median']:,.0f} [{rate['least']:,.0f}-{rate['most']:,.0f}]",
        f"{row['p50_ms']:.1f}",
        f"{row['p99_ms']:.1f}",
        f"{row['app_ms']:.2f}",
        f"{row['data_ms']:.2f}",
        f"{row['kb']:.1f}" if row["kb"] else "",
        f"{row['ratio'][EARLY]['median']:.3f}",
        f"{live['median']:.2f} [{live['least']:.2f}-{live['most']:.2f}]",
        "; ".join(f"{goal['text']} {goal['verdict']}" for goal in row["goals"]),
        f"{row['foreign_cores']:.2f}",
    ]


def last_report() -> dict[str, Any] | None:
    """Return the newest report that was written, or None."""
    paths = sorted(RESULTS.glob("*.json"))
    return json.loads(paths[-1].read_text()) if paths else None


def write(report: Mapping[str, Any], flagged: Sequence[str]) -> list[Path]:
    """Write the report for machines and for people; return both paths."""
    machine, day = report["machine"], report["measured_at"]
    path = RESULTS / f"{day.replace(':', '')}-{machine['commit']}.json"
    for folder in (RESULTS, DOCUMENT.parent):
        folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    DOCUMENT.write_text("\n".join(_document(report, flagged)) + "\n")
    return [path, DOCUMENT]


def _document(report: Mapping[str, Any], flagged: Sequence[str]) -> list[str]:
    is_loud = any(row["foreign_cores"] > LOUD_CORES for row in report["rows"])
    return [
        INTRODUCTION,
        *_circumstances(report),
        *([LOUD] if is_loud else []),
        "",
        *table(report["rows"]),
        "",
        CONNECT.format(**report["connect"], most=CONNECT_OVERHEAD_MS),
        "",
        SIGN_IN.format(**report["sign_in"]),
        "",
        reconcile_words(report["reconcile"]),
        "",
        "Not measured yet:",
        "",
        *[f"- {text}" for text in NOT_MEASURED],
        *(["", "Slower than the last report by more than a fifth:", ""] if flagged else []),
        *[f"- {text}" for text in flagged],
    ]


def _circumstances(report: Mapping[str, Any]) -> list[str]:
    machine = report["machine"]
    changes = " with uncommitted changes" if machine["has_changes"] else ""
    loads = ", ".join(map(str, machine["load_average"]))
    size = f"{report['rounds']} rounds, {report['seconds']} s or more for a row, 8 connections"
    return [
        f"- Measured {report['measured_at']}, commit {machine['commit']}{changes}",
        f"- {machine['processor']}, {machine['cores']} cores, {machine['memory']} of memory",
        f"- {machine['system']}, Python {machine['python']}",
        f"- Load average at the start {loads}",
        f"- {size}, {report['instructors']:,} instructors; medians [range]",
        "- Hold and pay are driven from Python, once for each lesson; all else by wrk",
    ]
