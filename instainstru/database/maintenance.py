"""Raw connections beside Django's, for the few places that may see a database unverified.

Used by the creation of test databases, `db_status` and `db_protect`; nothing else. Spec: S1.9,
S1.16.
"""

from typing import Any, Final

import psycopg

from instainstru.database import embedded, targets, tiers
from instainstru.database.roles import Role
from instainstru.database.stamp import Connection

MAINTENANCE_DATABASE: Final = "postgres"


def connect(
    decision: tiers.Decision, name: str | None = None, *, role: Role | None = None
) -> Connection:
    """Open an autocommit connection to the decided server, to database `name` if given.

    The frozen decision aims it, never settings. `role` prefers that role's URL; without one the
    tier's own URL serves. Raises psycopg.OperationalError.
    """
    tiers.drop_aiming_variables()
    if decision.is_embedded:
        embedded.ensure_running(decision.tier.value, tiers.var_dir())
    where = targets.role_location(decision, role) if role else None
    where = where or targets.location(decision)
    parameters: dict[str, Any] = {
        "host": where.host,
        "port": where.port,
        "user": where.user,
        "password": where.password,
        "connect_timeout": 5,
        **dict(where.options),
    }
    return psycopg.connect(
        "",
        dbname=name or where.name,
        autocommit=True,
        **{key: value for key, value in parameters.items() if value},
    )
