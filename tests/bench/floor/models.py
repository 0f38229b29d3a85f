"""A small market, just enough for a page with five queries and sixty cards."""

from django.db import models


class Category(models.Model):
    """A kind of lesson."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(unique=True)


class Teacher(models.Model):
    """Somebody with a card."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(unique=True)
    headline = models.CharField(max_length=200)
    category = models.ForeignKey(Category, on_delete=models.CASCADE)


class Offer(models.Model):
    """A price of a teacher."""

    teacher = models.ForeignKey(Teacher, on_delete=models.CASCADE, related_name="offers")
    minutes = models.PositiveIntegerField()
    price_cents = models.PositiveIntegerField()


class Review(models.Model):
    """Stars and words about a teacher."""

    teacher = models.ForeignKey(Teacher, on_delete=models.CASCADE, related_name="reviews")
    stars = models.PositiveIntegerField()
    words = models.CharField(max_length=300)


class Search(models.Model):
    """What somebody typed, and how often."""

    visitor = models.PositiveIntegerField()
    text = models.CharField(max_length=60)
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visitor", "text"], name="search_once_per_visitor")
        ]
