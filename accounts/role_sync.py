"""Write the role table into the database, where Django's permission check reads it."""

from collections.abc import Callable
from typing import Any

from django.apps import apps as current_apps

from accounts.roles import PERMISSIONS, Role, permissions_of

GetModel = Callable[[str, str], Any]


def sync_roles(get_model: GetModel = current_apps.get_model) -> int:
    """Make groups and permissions exactly the table; return the number of changed rows.

    Runs any number of times. ``get_model`` lets a migration pass its own models. Groups that are
    not roles are left alone. Spec: S5.1.
    """
    permissions, changed = _sync_permissions(get_model)
    for role in Role:
        group, is_new = get_model("auth", "Group").objects.get_or_create(name=role.value)
        wanted = {permissions[codename].pk for codename in permissions_of(role)}
        held = set(group.permissions.values_list("pk", flat=True))
        if wanted != held:
            group.permissions.set(wanted)
        changed += int(is_new) + len(wanted ^ held)
    return changed


def _sync_permissions(get_model: GetModel) -> tuple[dict[str, Any], int]:
    content_type, _ = get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="accounts", model="capability"
    )
    manager = get_model("auth", "Permission").objects
    existing = {row.codename: row for row in manager.filter(content_type=content_type)}
    stale = existing.keys() - {row.codename for row in PERMISSIONS}
    manager.filter(content_type=content_type, codename__in=stale).delete()
    changed = len(stale)
    for row in PERMISSIONS:
        known = existing.get(row.codename)
        if known is None or known.name != row.allows:
            existing[row.codename], _ = manager.update_or_create(
                content_type=content_type, codename=row.codename, defaults={"name": row.allows}
            )
            changed += 1
    return existing, changed
