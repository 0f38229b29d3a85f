"""What is measured, and the goals (Spec: S18.1, 12 section 4)."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tests.bench.load import Address

EARLY, LIVE = "early", "live"
"""The two floors: a page from memory before anything else runs, and an ordinary live page."""
CONNECT_OVERHEAD_MS: Final = 3.0
"""What the tier gate may add to a new connection (Spec: 01 section 7)."""
NOT_MEASURED: Final = (
    "P2, revalidation with 304: pages carry no ETag, since there is no page store yet",
    "P5 apart from P1: without a page store every request is a miss, so the same rows count",
    "P6, dashboard: not built yet",
    "P7 and the other comparisons with peers: the peers are not installed by this command",
    "P9, last place: 80 buyers at once",
    "P10 and P11, search history and analytics: not built yet",
    "P12 and the mix of S18.1 (browse 40, search 30, profile 15, slots 10, book 5 %)",
    "P13 to P15, cold start, memory, and the browser's own figures",
    "S4.4, commands that an idle stack sends to Valkey",
)


@dataclass(frozen=True)
class Goal:
    """A page must reach ``factor`` times the rate of a floor."""

    name: str
    floor: str
    factor: float

    @property
    def text(self) -> str:
        """The goal as the table shows it."""
        return f"{self.name}: {self.factor:g} {self.floor[0].upper()}"


@dataclass(frozen=True)
class Row:
    """One line of the table; without an address the driver of bookings measures it."""

    key: str
    title: str
    is_floor: bool = False
    address: Address | None = None
    goals: tuple[Goal, ...] = ()


def floor_rows(session: str) -> list[Row]:
    """Return the pages of the floor app."""
    signed_in = Address("/fragment/", headers={"Cookie": f"sessionid={session}"})
    known = Address("/early/", headers={"If-None-Match": '"any"'}, status=304)
    return [
        Row(EARLY, "E: early page", True, Address("/early/")),
        Row(LIVE, "L: live home, 5 queries, 60 cards", True, Address("/")),
        Row("floor-304", "floor: 304", True, known),
        Row("floor-bare", "floor: bare view", True, Address("/bare/")),
        Row("floor-fragment", "floor: signed-in fragment", True, signed_in),
        Row("floor-upsert", "floor: upsert (POST)", True, Address("/upsert/", "POST")),
    ]  # fmt: skip


def product_rows(city: dict[str, Any]) -> list[Row]:
    """Return the pages of the product."""
    category = f"/services/{city['category']}/"
    instructor = f"/i/{city['instructor']}/"
    service = Address(f"{category}{city['service']}/")
    student = Address("/", headers={"Cookie": city["cookie"]})
    search = Address(f"/search/?q={quote(city['query'])}", has_own_addresses=True)
    times = Address(f"{instructor}book/?service={city['service']}")
    public, miss = Goal("P1", EARLY, 0.70), Goal("P5", LIVE, 3.0)
    return [
        Row("home", "home", address=Address("/"), goals=(public,)),
        Row("all-services", "all services", address=Address("/services/"), goals=(public,)),
        Row("category", "category", address=Address(category), goals=(public,)),
        Row("service", "service", address=service, goals=(public,)),
        Row("profile", "instructor profile", address=Address(instructor), goals=(public, miss)),
        Row("home-signed-in", "home, signed in", address=student, goals=(Goal("P3", EARLY, 0.08),)),
        Row("search", "search results", address=search, goals=(Goal("P4", LIVE, 2.0),)),
        Row("times", "times of an instructor", address=times, goals=(miss,)),
        Row("hold", "hold a time (POST)"),
        Row("pay", "pay and confirm (POST)", goals=(Goal("P8", LIVE, 1.5),)),
    ]
