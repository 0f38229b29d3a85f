"""`dbshell`: psql on the verified server, with the tier in its prompt.

Spec: S1.7, S1.12.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable
from typing import Any, Final

from django.db.backends.postgresql.client import DatabaseClient as PostgresqlClient
from psycopg.conninfo import make_conninfo

from instainstru.database import audit, grants, session, targets, tiers
from instainstru.database.programs import client_program
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role

FLAGS: Final = re.compile(
    r"-[AHaeEnqtxXz01bSs]+|--(?:no-align|html|echo-all|echo-errors|echo-queries|csv|quiet"
    r"|tuples-only|expanded|no-psqlrc|single-transaction|no-readline)"
)
WITH_VALUE: Final = frozenset({"-c", "-f", "-o", "-F", "-R", "-P", "-v", "-L"})
LONG_WITH_VALUE: Final = re.compile(
    r"--(?:command|file|output|field-separator|record-separator|pset|set|variable|log-file)=.*",
    re.DOTALL,
)

RECONNECT: Final = re.compile(r"\\c(?:onnect)?\b")


class DatabaseClient(PostgresqlClient):
    """Starts psql on the connection that the gate has judged."""

    def runshell(self, parameters: Iterable[str]) -> None:
        """Run psql. Raises TierRefusedError for arguments that say where to connect."""
        parameters = list(parameters)
        decision = tiers.decision()
        with audit.refusals("dbshell", decision.tier.value):
            refuse_connection_arguments(parameters)
            _refuse_weak_reading(decision)
        # A psql of the system can edit lines; the packaged one cannot.
        program = shutil.which("psql") or client_program("psql")
        arguments = [program, "-X", *parameters, *_prompt(decision.tier), self._conninfo()]
        handler = signal.getsignal(signal.SIGINT)
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            environment = self._environment(decision)
            subprocess.run(arguments, env=environment, check=True, timeout=_seconds())
        except subprocess.TimeoutExpired:
            raise TierRefusedError("the write grant has ended") from None
        finally:
            signal.signal(signal.SIGINT, handler)

    def _conninfo(self) -> str:
        """Return where the verified connection leads, by address rather than by name."""
        self.connection.ensure_connection()
        info = self.connection.connection.info
        parameters: dict[str, Any] = {
            "host": info.host,
            "hostaddr": info.hostaddr,
            "port": info.port,
            "dbname": info.dbname,
            "user": info.user,
        }
        options = self.connection.settings_dict["OPTIONS"]
        parameters |= {key: value for key, value in options.items() if key.startswith("ssl")}
        return make_conninfo("", **{key: value for key, value in parameters.items() if value})

    def _environment(self, decision: tiers.Decision) -> dict[str, str]:
        tiers.drop_aiming_variables()
        environment = dict(os.environ)
        if password := self.connection.connection.info.password:
            environment["PGPASSWORD"] = password
        if session.is_read_only(decision):
            environment["PGOPTIONS"] = session.READ_ONLY_OPTION
        return environment


def _refuse_weak_reading(decision: tiers.Decision) -> None:
    """Refuse psql where only a setting, which it could lift, would keep it from writing."""
    has_reader = targets.role_location(decision, Role.READONLY) is not None
    if session.is_read_only(decision) and not has_reader:
        variable = decision.tier.variable(Role.READONLY.suffix)
        raise TierRefusedError(f"dbshell needs {variable}, which is not set")


def refuse_connection_arguments(parameters: Iterable[str]) -> None:
    """Let only arguments through that cannot aim psql elsewhere.

    Raises TierRefusedError naming the first other one. Spec: S1.12.
    """
    words = iter(parameters)
    for word in words:
        value = next(words, "") if word in WITH_VALUE else word
        if RECONNECT.search(value):
            raise TierRefusedError("dbshell does not connect elsewhere")
        if word in WITH_VALUE:
            continue
        if not (FLAGS.fullmatch(word) or LONG_WITH_VALUE.fullmatch(word)):
            raise TierRefusedError(f"dbshell takes no connection arguments ({word})")


def _prompt(tier: tiers.Tier) -> list[str]:
    shown = f"%[%033[{tier.color}m%][{tier.name}]%[%033[0m%] %/%R%x%# "
    return ["-v", f"PROMPT1={shown}", "-v", f"PROMPT2={shown}"]


def _seconds() -> float | None:
    grant = grants.active()
    return grant.seconds_left if grant else None
