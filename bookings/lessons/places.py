"""Where a lesson happens, in words; the exact place only after booking (Spec: S13.3)."""

from urllib.parse import urlencode

from bookings.lessons.models import Booking
from catalog.models import Modality


def place_in_words(booking: Booking) -> str:
    """Return the kind of place and the neighborhood, without an address: safe before booking."""
    words = {
        Modality.AT_STUDENT: "At your place",
        Modality.AT_INSTRUCTOR: f"At {booking.instructor.display_name}'s place",
        Modality.PUBLIC: "In a public place",
        Modality.ONLINE: "Online",
    }[Modality(booking.modality)]
    if booking.modality == Modality.AT_STUDENT and booking.neighborhood:
        return f"{words}, {booking.neighborhood.name}"
    if booking.modality in (Modality.AT_INSTRUCTOR, Modality.PUBLIC):
        return f"{words}, {booking.instructor.base_neighborhood.name}"
    return words


def place_for_student(booking: Booking) -> str:
    """Return the exact place for the student of a confirmed lesson."""
    if booking.modality == Modality.AT_STUDENT:
        return _joined(booking.address, booking.neighborhood.name if booking.neighborhood else "")
    if booking.modality == Modality.AT_INSTRUCTOR and booking.instructor.studio_address:
        return booking.instructor.studio_address
    if booking.modality == Modality.ONLINE and booking.instructor.online_link:
        return booking.instructor.online_link
    return place_in_words(booking)


def way_there(booking: Booking) -> tuple[str, str] | None:
    """Return the label and address of the link by which a student gets to a confirmed lesson.

    Lessons at home need none. Spec: 06 section 3
    """
    person = booking.instructor
    if booking.modality == Modality.ONLINE and person.online_link:
        return "Join online", person.online_link
    if booking.modality == Modality.AT_INSTRUCTOR and person.studio_address:
        query = urlencode({"api": 1, "destination": f"{person.studio_address}, New York"})
        return "Directions", f"https://www.google.com/maps/dir/?{query}"
    return None


def place_for_instructor(booking: Booking) -> str:
    """Return the exact place for the instructor of a confirmed lesson."""
    if booking.modality == Modality.AT_STUDENT:
        return _joined(booking.address, booking.neighborhood.name if booking.neighborhood else "")
    return place_for_student(booking)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
