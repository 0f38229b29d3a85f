"""Reads of reviews for pages that show other things as well."""

from django.core.exceptions import ObjectDoesNotExist

from bookings.reviews.models import InstructorStatistics
from catalog.models import Instructor


def statistics_of(instructor: Instructor) -> InstructorStatistics:
    """Return the numbers of an instructor; zeros for somebody whom no job has counted yet.

    Read ``statistics`` along with the instructor, or this asks the database.
    """
    try:
        return instructor.statistics
    except ObjectDoesNotExist:
        return InstructorStatistics(instructor=instructor)
