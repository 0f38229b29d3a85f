"""What the product lets people do, and which role may do what (Spec: 02 section 2, S5.1).

The table is data: ``sync_roles`` writes it to Django's groups and permissions, and code asks
``user.has_perm("accounts.bookings.create")``. Nobody asks for a role by name.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """The seven roles; the value is the name of the Django group."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"
    SUPPORT = "support"
    MODERATOR = "moderator"
    FINANCE = "finance"
    ANALYST = "analyst"
    ADMIN = "admin"


STAFF_ROLES = frozenset(
    {Role.SUPPORT, Role.MODERATOR, Role.FINANCE, Role.ANALYST, Role.ADMIN}
)  # fmt: skip


class Permission(NamedTuple):
    """One row of the matrix: what it allows and who holds it."""

    codename: str
    allows: str
    roles: frozenset[Role]


_ST, _IN, _SU, _MO = Role.STUDENT, Role.INSTRUCTOR, Role.SUPPORT, Role.MODERATOR
_FI, _AN, _AD = Role.FINANCE, Role.ANALYST, Role.ADMIN
_EVERYBODY = tuple(Role)


def _row(codename: str, allows: str, *roles: Role) -> Permission:
    return Permission(codename, allows, frozenset(roles))


PERMISSIONS: tuple[Permission, ...] = (
    _row("account.manage_own", "Own settings, sessions, notification preferences", *_EVERYBODY),
    _row("privacy.export_own", "Request and download own data", *_EVERYBODY),
    _row("privacy.delete_own", "Close own account", *_EVERYBODY),
    _row("messages.send_own", "Write in own threads", _ST, _IN, _AD),
    _row("search.history_own", "See and delete own history", _ST, _IN, _AD),
    _row("favorites.manage_own", "Saved instructors", _ST, _AD),
    _row("bookings.create", "Hold and book", _ST, _AD),
    _row("bookings.view_own", "My Lessons", _ST, _AD),
    _row("bookings.manage_own", "Cancel, reschedule, report", _ST, _AD),
    _row("reviews.create", "Review a completed lesson", _ST, _AD),
    _row("profile.manage_own", "Instructor profile", _IN, _AD),
    _row("services.manage_own", "Own services and prices", _IN, _AD),
    _row("availability.manage_own", "Grid, overrides, rules", _IN, _AD),
    _row("lessons.view_teaching", "Inbox of own lessons", _IN, _AD),
    _row("lessons.manage_teaching", "Complete, cancel, propose, no-show, waive", _IN, _AD),
    _row("earnings.view_own", "Ledger, payouts, yearly summary", _IN, _AD),
    _row("reviews.reply", "One public reply, dispute", _IN, _AD),
    _row("users.view", "Look up users, personal data masked", _SU, _MO, _FI, _AD),
    _row("users.manage", "Suspend, reinstate, end sessions, privacy requests", _SU, _AD),
    _row("roles.assign", "Grant and revoke roles", _AD),
    _row("bookings.view_all", "Any booking", _SU, _MO, _FI, _AD),
    _row("bookings.manage_all", "Cancel or move on behalf, resolve reports", _SU, _AD),
    _row("refunds.issue", "Refunds up to the limit of the role", _SU, _FI, _AD),
    _row("payouts.manage", "Hold, release, fee tier, tax records", _FI, _AD),
    _row("reviews.moderate", "Hide, restore, decide disputes", _MO, _AD),
    _row("instructors.verify", "Approve, request changes, background state", _MO, _AD),
    _row("catalog.manage", "Categories, services, synonyms, neighborhoods", _MO, _AD),
    _row("analytics.view", "Dashboard and its endpoints", _SU, _FI, _AN, _AD),
    _row("analytics.export", "CSV", _FI, _AN, _AD),
    _row("system.monitor", "Health detail, jobs, audit log, flags", _AD),
)


def permissions_of(role: Role) -> frozenset[str]:
    """Return the codenames that a role holds."""
    return frozenset(row.codename for row in PERMISSIONS if role in row.roles)


def roles_with(codename: str) -> list[Role]:
    """Return the roles that hold a permission, for the page that says which one is needed."""
    return [
        role
        for role in Role
        for row in PERMISSIONS
        if row.codename == codename and role in row.roles
    ]


def roles_of(group_names: Iterable[str]) -> list[Role]:
    """Return the roles among the names of groups, in the order of the table."""
    names = set(group_names)
    return [role for role in Role if role.value in names]


def role_words(*codenames: str) -> str:
    """Say who holds one of the permissions, such as ``student or admin``.

    Empty for a permission that nobody knows or everybody has.
    """
    holders = {role for codename in codenames for role in roles_with(codename)}
    names = [role.value for role in Role if role in holders]
    if len(names) == len(Role):
        return ""
    *most, last = names or [""]
    return f"{', '.join(most)} or {last}" if most else last
