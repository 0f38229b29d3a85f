"""What is measured, and the goals (Spec: S18.1, 12 section 4)."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tests.bench.load import Address

EARLY, LIVE = "early", "live"
"""The two floors: a page from memory before anything else runs, and an ordinary live page."""
PACKED: Final = {"Accept-Encoding": "gzip, deflate, br, zstd"}
"""What browsers send."""
CONNECT_OVERHEAD_MS: Final = 3.0
"""What the tier gate may add to a new connection (Spec: 01 section 7)."""
RECONCILED, RECONCILE_SECONDS = 10_000, 60
"""So many charges are compared with the gateway's books within so many seconds (Spec: 08)."""
NOT_MEASURED: Final = (
    "P6, dashboard: not built yet",
    "P7 and the other comparisons with peers: the peers are not installed by this command",
    "P9, last place: 80 buyers at once",
    "P10 alone: the write of the search history is part of every search",
    "P11, analytics: not built yet",
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
    service = f"{category}{city['service']}/"
    return [*_kept(category, service, instructor), *_of_student(city), *_live(city, service)]


def _kept(category: str, service: str, instructor: str) -> list[Row]:
    """Return the pages that come from the store, as browsers ask for them."""
    pages = {
        "home": ("home", "/"),
        "all-services": ("all services", "/services/"),
        "category": ("category", category),
        "service": ("service", service),
        "profile": ("instructor profile", instructor),
    }
    known = Address("/", headers=PACKED | {"If-None-Match": "*"}, status=304)
    return [
        *(
            Row(key, title, address=Address(path, headers=PACKED), goals=(Goal("P1", EARLY, 0.70),))
            for key, (title, path) in pages.items()
        ),
        Row("home-304", "home, 304", address=known, goals=(Goal("P2", EARLY, 1.0),)),
    ]


def _of_student(city: dict[str, Any]) -> list[Row]:
    """Return the homepage of somebody signed in, seen again and made anew."""
    headers = PACKED | {"Cookie": city["cookie"]}
    again, anew = Address("/", headers=headers), Address("/?anew", headers=headers)
    goals = (Goal("P3", EARLY, 0.30), Goal("P3", LIVE, 25.0))
    return [
        Row("home-signed-in", "home, signed in", address=again, goals=goals),
        Row("home-signed-in-anew", "home, signed in, made anew", address=anew),
    ]


def _live(city: dict[str, Any], service: str) -> list[Row]:
    """Return what no store answers: misses, searches, times and bookings."""
    instructor, miss = f"/i/{city['instructor']}/", Goal("P5", LIVE, 3.0)
    search = Address(f"/search/?q={quote(city['query'])}", has_own_addresses=True)
    profile = Address(instructor, headers=PACKED, own_parameter="about")
    first = Address(service, headers=PACKED, own_parameter="page")
    book = f"{instructor}book/?service={city['service']}"
    slots = Address(book, headers={"HX-Request": "true", "HX-Target": "chooser"})
    return [
        Row("profile-miss", "instructor profile, store miss", address=profile, goals=(miss,)),
        Row("service-miss", "service, store miss", address=first),
        Row("times", "times of an instructor", address=Address(book), goals=(miss,)),
        Row("slots", "times, fragment", address=slots, goals=(miss,)),
        Row("search", "search results", address=search, goals=(Goal("P4", LIVE, 2.0),)),
        Row("hold", "hold a time (POST)"),
        Row("pay", "pay and confirm (POST)", goals=(Goal("P8", LIVE, 1.5),)),
    ]
