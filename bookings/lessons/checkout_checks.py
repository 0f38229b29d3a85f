"""What the pay form may say about people and places (Spec: S13.1)."""

from collections.abc import Sequence

from accounts.models import Block, Learner, User
from bookings.lessons.models import Booking
from bookings.lessons.selectors import is_place_inside
from catalog.models import Modality, Neighborhood
from instainstru.errors import ConflictError, ValidationFailedError

NEAREST_PLACES = 3


def check_people_and_place(
    lessons: Sequence[Booking], *, by: User, learner_id: int, neighborhood_id: int | None
) -> None:
    """Refuse a learner who is not the person's own or of another age, and a place too far away.

    Raises ``ValidationFailedError`` with the field and the nearest places, ``ConflictError`` when
    one side has blocked the other: a guest's hold did not know whose it would be, and a block stops
    new lessons at once. Spec: S13.1, R8, S5.8
    """
    hold = lessons[0]
    if Block.objects.between(by.pk, hold.instructor.user_id).exists():
        raise ConflictError("This time is not available.", code="not_available")
    learner = Learner.objects.managed_by(by).filter(pk=learner_id).first()
    if learner is None:
        raise ValidationFailedError(
            "Choose who is learning.", fields={"learner": "Choose a learner."}
        )
    offering = hold.offering
    if learner.birth_year is not None:
        for year in sorted({lesson.start_at.year for lesson in lessons}):
            age = year - learner.birth_year
            # Only the year is known: a birthday may still be ahead, so the younger age counts too.
            if age < offering.age_from or age - 1 > offering.age_to:
                text = f"This lesson is for ages {offering.age_from} to {offering.age_to}."
                raise ValidationFailedError(text, fields={"learner": text})
    if not is_place_inside(hold.instructor, hold.modality, neighborhood_id):
        wanted = Neighborhood.objects.get(pk=neighborhood_id or 0)
        text = _outside_text(hold, wanted)
        raise ValidationFailedError(text, fields={"neighborhood": text})


def _outside_text(hold: Booking, wanted: Neighborhood) -> str:
    """Name the nearest places where the instructor does teach, and online. Spec: S13.1."""
    who = hold.instructor.user.first_name
    near = Neighborhood.objects.filter(coverage__instructor=hold.instructor).nearest_to(wanted)
    places = [f"in {name}" for name in near.values_list("name", flat=True)[:NEAREST_PLACES]]
    if Modality.ONLINE in hold.offering.modalities:
        places.append("online")
    if not places:
        return f"{who} doesn't travel there. Choose another instructor or place."
    return f"{who} doesn't travel to {wanted.name}. The nearest: {', '.join(places)}."
