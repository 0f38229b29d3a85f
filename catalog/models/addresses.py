"""Where a person takes lessons, to be chosen when they book."""

from django.db import models
from django.db.models.functions import Lower

from accounts.models import User
from catalog.managers import AddressQuerySet
from instainstru import clock
from instainstru.identifiers import public_id


class Address(models.Model):
    """One saved address in the city; a lesson copies what it needs (Spec: R17)."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    label = models.CharField(max_length=40)
    street = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, blank=True)
    zip_code = models.CharField(max_length=5)
    neighborhood = models.ForeignKey(
        "catalog.Neighborhood", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)

    objects = AddressQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="address_public_id_unique"),
            models.UniqueConstraint("user", Lower("label"), name="address_label_unique"),
            models.CheckConstraint(
                condition=models.Q(zip_code__regex=r"^\d{5}$"), name="address_zip_five_digits"
            ),
        ]

    def __str__(self) -> str:
        return f"address {self.pk}"

    @property
    def line(self) -> str:
        """Street, unit and ZIP code as one line."""
        return ", ".join(part for part in (self.street, self.unit, self.zip_code) if part)
