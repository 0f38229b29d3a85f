"""Which connections a command gets: those of its role, under the grant that it needs.

Spec: S1.13, S1.14, S1.17.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections

from instainstru.database import (
    audit,
    classes,
    grants,
    maintenance,
    protection,
    rules,
    session,
    targets,
    tiers,
)
from instainstru.database.backend.base import DatabaseWrapper
from instainstru.database.classes import CommandClass
from instainstru.database.roles import Role

NAME_TO_BRAKES: Final = """
SELECT set_config('instainstru.migration', %s, false),
       EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'ii_brake_drop')
"""


@contextmanager
def granted(
    need: rules.Need, name: str, kind: CommandClass, decision: tiers.Decision
) -> Iterator[None]:
    """Run the block under the grant that the command needs, asked for on the terminal."""
    if need is rules.Need.NOTHING or (need is rules.Need.GRANT and grants.active()):
        yield
        return
    # The first installation finds none of the roles yet.
    role = Role.ADMIN if name == "db_protect" else None
    with (
        audit.refusals(f"command {name}", decision.tier.value),
        maintenance.connect(decision, role=role) as connection,
    ):
        if need is rules.Need.DESTRUCTION:
            grant = grants.give_destruction(decision, connection, name)
        else:
            is_session = kind is CommandClass.SHELL
            grant = grants.give(decision, connection, name, is_session=is_session)
    with grants.redeemed(grant, name):
        yield


@contextmanager
def rights(name: str, kind: CommandClass, decision: tiers.Decision) -> Iterator[None]:
    """Give a command the connections of its role, and take them back when it ends.

    On PROD the outermost writing command gets connections that may write. Inside a transaction
    nothing can change hands: the command keeps the connection that it finds.
    """
    before = session.may_write(), session.is_owner()
    is_earned = kind in rules.WRITES or grants.active() is not None
    may_write = before[0] or (decision.tier is tiers.Tier.PROD and is_earned)
    wanted = may_write, classes.needs_owner(name, kind)
    if wanted == before or _is_in_transaction():
        yield
        return
    _change_hands(*wanted)
    try:
        if kind is CommandClass.DESTRUCTIVE and wanted[1]:
            name_to_brakes(name, decision)
        yield
    finally:
        _change_hands(*before)


def _is_in_transaction() -> bool:
    return any(item.in_atomic_block for item in connections.all(initialized_only=True))


def become_server() -> None:
    """Give a server process connections that may write; what it had while starting may not."""
    if not session.may_write():
        _change_hands(may_write=True, is_owner=session.is_owner())


def _change_hands(may_write: bool, is_owner: bool) -> None:
    session.allow_writes(is_allowed=may_write)
    session.act_as_owner(is_owner=is_owner)
    connections.close_all()
    for item in connections.all(initialized_only=True):
        if isinstance(item, DatabaseWrapper):
            item.close_pool()


def name_to_brakes(name: str, decision: tiers.Decision) -> None:
    """Say to the server what is going on; on INT and STG its brakes are unlocked for it."""
    connection = connections[DEFAULT_DB_ALIAS]
    if targets.is_test_name(str(connection.settings_dict["NAME"])):
        return
    with connection.cursor() as cursor:
        cursor.execute(NAME_TO_BRAKES, [name])
        has_brakes = cursor.fetchone()[1]
    can_unlock = targets.role_location(decision, Role.ADMIN) is not None
    if has_brakes and can_unlock and decision.tier is not tiers.Tier.PROD:
        protection.unlock(decision, [name], "confirmed by the command")
