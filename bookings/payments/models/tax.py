"""What the law wants known of an instructor's year (Spec: S14.12, S6.8)."""

from django.db import models
from django.db.models import Q

from catalog.models import Instructor
from instainstru import clock


class TaxRecord(models.Model):
    """One year of one instructor: who they are to the tax office, and the sums, encrypted.

    Written once when the year is over, or when somebody leaves; who they are may come later, when
    the gateway knows.
    """

    instructor = models.ForeignKey(
        Instructor, on_delete=models.PROTECT, related_name="tax_records", db_index=False
    )
    year = models.PositiveSmallIntegerField(help_text="In New York.")
    sealed = models.TextField(help_text="Identity and sums as encrypted JSON.")
    made_at = models.DateTimeField(default=clock.now)
    identified_at = models.DateTimeField(
        null=True, blank=True, help_text="When the gateway told who they are."
    )
    purge_on = models.DateField(help_text="From this New York date on it is removed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instructor", "year"], name="tax_record_one_a_year"),
            models.CheckConstraint(
                # How every text of the cipher begins: nothing plain fits in.
                condition=Q(sealed__startswith="gAAAAA"),
                name="tax_record_is_sealed",
            ),
        ]
        indexes = [models.Index(fields=["purge_on"], name="tax_record_to_purge")]

    def __str__(self) -> str:
        return f"tax record {self.pk}"
