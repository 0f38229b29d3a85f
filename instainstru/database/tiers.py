"""Which tier this process is on: decided once, from the environment, before anything connects.

`resolve_tier` is the truth table of the specification as a pure function. `decision` runs it for
the process, freezes the answer and cleans the environment. Imports nothing from Django.
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from instainstru.database import dotenv, state
from instainstru.database.locations import Location, parse_location
from instainstru.database.refusals import (
    EXIT_REFUSED,
    TierRefusedError,
    install_exit_code,
    print_refusal,
)

if TYPE_CHECKING:
    from instainstru.database.targets import ValkeyUrls

P: Final = "INSTAINSTRU_PRODUCTION_MODE"
U: Final = "USE_PROD_DATABASE"
S: Final = "USE_STG_DATABASE"
CI_FLAGS: Final = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD")
CI_ADDRESS: Final = "JENKINS_URL"
RETIRED_NAMES: Final = ("USE_TEST_DATABASE",)
IGNORED_NAMES: Final = ("DATABASE_URL",)
ROLES: Final = ("DATABASE", "READONLY_DATABASE", "MIGRATOR_DATABASE", "ADMIN_DATABASE")
LIBPQ_PREFIXES: Final = ("PGHOST", "PGSERVICE")
LIBPQ_NAMES: Final = frozenset(
    {"PGPORT", "PGDATABASE", "PGOPTIONS", "PGTARGETSESSIONATTRS", "PGSYSCONFDIR", "PGUSER"}
)
TRUE: Final = frozenset({"true", "1"})
FALSE: Final = frozenset({"", "false", "0"})


class Tier(StrEnum):
    """The three tiers, weakest first. Spec: 01 section 1."""

    INT = "int"
    STG = "stg"
    PROD = "prod"

    @property
    def badge(self) -> str:
        """The mark that shows the tier to people."""
        return {"int": "🟢 [INT]", "stg": "🟡 [STG]", "prod": "🔴 [PROD]"}[self.value]

    @property
    def color(self) -> str:
        """The mark's colour on a terminal, as the parameters of an escape sequence."""
        return {"int": "1;32", "stg": "1;33", "prod": "1;97;41"}[self.value]

    @property
    def strength(self) -> int:
        """Order of evidence: PROD outweighs STG outweighs INT. Spec: S1.8."""
        return ("int", "stg", "prod").index(self.value)

    def variable(self, suffix: str) -> str:
        """Name of this tier's variable, for example `STG_VALKEY_URL` for `VALKEY_URL`."""
        return f"{self.name}_{suffix}"


class Mode(StrEnum):
    """What a process may do at most; commands can be stricter."""

    READ_WRITE = "read_write"
    READ_ONLY = "read_only"


@dataclass(frozen=True, slots=True)
class Decision:
    """The frozen answer for one process.

    `url` is None where the embedded cluster serves; `urls` holds every variable of this tier as
    it was when the decision fell. `needs_confirmation` means no connection before a person typed
    the database's name on the terminal. Spec: S1.1, S1.2, S1.4.
    """

    tier: Tier
    mode: Mode
    reason: str
    url: str | None = field(default=None, repr=False)
    urls: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()
    needs_confirmation: bool = False

    @property
    def is_embedded(self) -> bool:
        """Whether the tier's own cluster under `var/` serves the database."""
        return self.url is None

    @property
    def needs_embedded_servers(self) -> bool:
        """Whether database or Valkey, or both, have no address: never so on PROD. Spec: S1.19."""
        return self.tier is not Tier.PROD and None in (self.url, self.variable("VALKEY_URL"))

    def variable(self, suffix: str) -> str | None:
        """Value of this tier's variable (`VALKEY_URL`, `CACHE_URL`, …) at decision time."""
        return dict(self.urls).get(self.tier.variable(suffix)) or None


def resolve_tier(environ: Mapping[str, str], *, is_terminal: bool) -> Decision:
    """Decide the tier from variables alone; pure.

    `is_terminal` says whether a person sits at a controlling terminal. Raises TierRefusedError
    naming the variables concerned. Spec: S1.1, S1.3, section 2.
    """
    production, use_prod, use_stg = _flags(environ)
    is_ci = bool(_ci_names(environ))
    _refuse_contradictions(environ, production, use_prod, use_stg)
    _refuse_shared_databases(environ)
    warnings = _warnings(environ)
    if use_prod:
        return _resolve_prod(environ, production, is_terminal, warnings)
    if use_stg:
        return _decide(environ, Tier.STG, f"{S} is set", warnings)
    reason = "continuous integration" if is_ci else "no tier asked for"
    return _decide(environ, Tier.INT, reason, warnings)


def _flags(environ: Mapping[str, str]) -> tuple[bool, bool, bool]:
    values = {name: environ.get(name, "").strip().lower() for name in (P, U, S)}
    if unparsable := [name for name, value in values.items() if value not in TRUE | FALSE]:
        raise TierRefusedError(f"{' and '.join(unparsable)} must be true, false or unset")
    return values[P] in TRUE, values[U] in TRUE, values[S] in TRUE


def _ci_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    # A service may put its own name into CI: whatever is not plainly false counts, because
    # counting as CI only ever allows less.
    names = [n for n in CI_FLAGS if environ.get(n, "").strip().lower() not in FALSE]
    if environ.get(CI_ADDRESS, "").strip():
        names.append(CI_ADDRESS)
    return tuple(names)


def _refuse_contradictions(
    environ: Mapping[str, str], production: bool, use_prod: bool, use_stg: bool
) -> None:
    if use_prod and use_stg:
        raise TierRefusedError(f"{U} contradicts {S}")
    if production and not use_prod:
        raise TierRefusedError(f"{P} is set without {U}")
    if (ci := _ci_names(environ)) and (use_prod or use_stg):
        asked = U if use_prod else S
        raise TierRefusedError(f"{asked} is not allowed under {' and '.join(ci)}")


def _resolve_prod(
    environ: Mapping[str, str], production: bool, is_terminal: bool, warnings: tuple[str, ...]
) -> Decision:
    if production:
        return _decide(environ, Tier.PROD, f"{P} and {U} are set", warnings)
    if not is_terminal:
        raise TierRefusedError(f"{U} without {P} needs a person at a terminal")
    return _decide(environ, Tier.PROD, f"{U} alone", warnings, is_confirmed_by_hand=True)


def _decide(
    environ: Mapping[str, str],
    tier: Tier,
    reason: str,
    warnings: tuple[str, ...],
    *,
    is_confirmed_by_hand: bool = False,
) -> Decision:
    prefix = f"{tier.name}_"
    own = tuple(sorted((n, v) for n, v in environ.items() if n.startswith(prefix) and "_URL" in n))
    names = [tier.variable("DATABASE_URL")]
    if is_confirmed_by_hand:
        names.insert(0, tier.variable("READONLY_DATABASE_URL"))
    url = next((value for name in names if (value := environ.get(name, "").strip())), None)
    if tier is Tier.PROD and url is None:
        raise TierRefusedError(f"{tier.variable('DATABASE_URL')} is not set")
    return Decision(
        tier=tier,
        mode=Mode.READ_ONLY if is_confirmed_by_hand else Mode.READ_WRITE,
        reason=reason,
        url=url,
        urls=own,
        warnings=warnings,
        needs_confirmation=is_confirmed_by_hand,
    )


def _warnings(environ: Mapping[str, str]) -> tuple[str, ...]:
    ignored = [f"{name} is ignored" for name in IGNORED_NAMES if environ.get(name)]
    retired = [
        f"{name} is retired and selects nothing" for name in RETIRED_NAMES if name in environ
    ]
    return (*ignored, *retired)


def _refuse_shared_databases(environ: Mapping[str, str]) -> None:
    """Refuse two tiers that name one database on one server. Spec: S1.7."""
    seen: dict[tuple[str, int, str], tuple[Tier, str]] = {}
    for tier, variable, location in _locations(environ):
        first, first_variable = seen.setdefault(location.identity, (tier, variable))
        if first is not tier:
            raise TierRefusedError(f"{first_variable} and {variable} name the same database")


def _locations(environ: Mapping[str, str]) -> Iterator[tuple[Tier, str, Location]]:
    for tier in Tier:
        for role in ROLES:
            variable = tier.variable(f"{role}_URL")
            if url := environ.get(variable, "").strip():
                yield tier, variable, parse_location(url, variable)
        variable = tier.variable("REPLICA_URLS")
        for url in environ.get(variable, "").split():
            yield tier, variable, parse_location(url, variable)


# --- the process ---------------------------------------------------------------------------------
_lock = threading.Lock()
_frozen: Decision | None = None


def decision() -> Decision:
    """Return this process's decision: made once, audited, then frozen.

    A refusal prints one line and ends the process with code 3. Spec: S1.4, S1.21.
    """
    global _frozen  # noqa: PLW0603 - one decision per process is the point
    with _lock:
        if _frozen is None:
            with refusals_end_the_process():
                _frozen = _decide_for_process()
    return _frozen


@contextmanager
def refusals_end_the_process() -> Iterator[None]:
    """Turn a refusal into its line on standard error, an audit line and exit code 3."""
    from instainstru.database import audit

    try:
        yield
    except TierRefusedError as error:
        audit.record_refusal("resolve", error)
        print_refusal(error)
        raise SystemExit(EXIT_REFUSED) from None


def _decide_for_process() -> Decision:
    from instainstru.database import audit

    install_exit_code()
    answer = resolve_tier(os.environ, is_terminal=has_terminal())
    clean_environment(answer)
    audit.record_decision(answer)
    for warning in answer.warnings:
        sys.stderr.write(f"Warning: {warning}\n")
    return answer


def has_terminal() -> bool:
    """Whether a person sits at a controlling terminal that feeds standard input."""
    try:
        if not sys.stdin.isatty():
            return False
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except (AttributeError, OSError, ValueError):
        return False
    return True


def clean_environment(
    answer: Decision, environ: MutableMapping[str, str] | None = None
) -> tuple[str, ...]:
    """Drop other tiers' URLs and whatever makes libpq aim elsewhere; return the names dropped.

    The flags and this tier's own URLs stay, so that children decide alike. Spec: S1.4.
    """
    target = os.environ if environ is None else environ
    dropped = tuple(sorted(name for name in target if _must_go(name, answer.tier)))
    for name in dropped:
        del target[name]
    return dropped


def drop_aiming_variables() -> None:
    """Remove libpq's aiming variables again, should somebody have set them since."""
    for name in [name for name in os.environ if _aims_libpq(name)]:
        os.environ.pop(name, None)


def _aims_libpq(name: str) -> bool:
    return name in LIBPQ_NAMES or name.startswith(LIBPQ_PREFIXES)


def _must_go(name: str, tier: Tier) -> bool:
    if _aims_libpq(name):
        return True
    others = [f"{other.name}_" for other in Tier if other is not tier]
    return name.startswith(tuple(others)) and "_URL" in name


def load_dotenv(path: Path) -> dict[str, str]:
    """Read `.env` into the environment; a production variable in it ends the process."""
    install_exit_code()
    with refusals_end_the_process():
        return dotenv.load_dotenv(path)


def database_settings(answer: Decision) -> dict[str, dict[str, Any]]:
    """Return DATABASES for a decision. Spec: S1.11."""
    from instainstru.database import targets

    with refusals_end_the_process():
        return targets.database_settings(answer)


def valkey_urls(answer: Decision) -> "ValkeyUrls":
    """Return the cache's and the broker's address, never the same store. Spec: S1.19."""
    from instainstru.database import targets

    with refusals_end_the_process():
        return targets.valkey_urls(answer)


def var_dir() -> Path:
    """Folder of the embedded servers and other run-time state (`VAR_DIR`, else `var/`)."""
    return state.var_dir()
