"""Refusals of the review services, each with the way out (Spec: S11.3)."""

from instainstru.errors import ConflictError


class ReviewClosedError(ConflictError):
    """The lesson cannot be reviewed now, or the review can no longer be changed."""

    code = "review_closed"
