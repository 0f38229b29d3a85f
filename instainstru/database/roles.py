"""The four roles of the server that a tier's URLs name. Imports nothing from Django."""

from enum import StrEnum


class Role(StrEnum):
    """Who a connection is to the server, weakest first. Spec: S1.13."""

    READONLY = "ii_readonly"
    APP = "ii_app"
    MIGRATOR = "ii_migrator"
    ADMIN = "ii_admin"

    @property
    def suffix(self) -> str:
        """What follows the tier in the name of this role's variable."""
        part = {"ii_app": "", "ii_readonly": "READONLY_", "ii_migrator": "MIGRATOR_"}
        return f"{part.get(self.value, 'ADMIN_')}DATABASE_URL"
