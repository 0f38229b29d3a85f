"""The demo accounts: who they are and the one place that spells their password (Spec: G15)."""

from typing import NamedTuple

from accounts.roles import Role

DEMO_PASSWORD = "Test1234"  # noqa: S105 - public by design; refused on PROD (Spec: G16)
DEMO_DOMAIN = "instainstru.test"


class DemoAccount(NamedTuple):
    """One demo account; learners are other people whom they manage."""

    name: str
    first_name: str
    last_name: str
    label: str
    roles: tuple[Role, ...]
    learners: tuple[tuple[str, int], ...] = ()

    @property
    def email(self) -> str:
        """The address that signs in."""
        return f"{self.name}@{DEMO_DOMAIN}"


DEMO_ACCOUNTS: tuple[DemoAccount, ...] = (
    DemoAccount("student", "Sam", "Rivera", "Student", (Role.STUDENT,), (("Leo", 2016),)),
    DemoAccount(
        "instructor", "Iris", "Novak", "Instructor", (Role.INSTRUCTOR, Role.STUDENT)
    ),
    DemoAccount("staff", "Ada", "Morgan", "Admin", (Role.ADMIN,)),
    DemoAccount("analyst", "Noor", "Haddad", "Analyst", (Role.ANALYST,)),
    DemoAccount("support", "Joe", "Park", "Support", (Role.SUPPORT,)),
    DemoAccount("moderator", "Mia", "Klein", "Moderator", (Role.MODERATOR,)),
    DemoAccount("finance", "Omar", "Diaz", "Finance", (Role.FINANCE,)),
)  # fmt: skip
