"""What the API tells about notices (Spec: S17.14, S13.5)."""

from rest_framework import serializers

from instainstru.api import PlainText, SliceAsked


class NoticesAsked(SliceAsked):
    """Which part of the list."""

    cursor = PlainText(max_length=500, required=False, default="", allow_blank=True)


class NoticeTold(serializers.Serializer):
    """One piece of news and the page of this site that it leads to."""

    title = serializers.CharField()
    path = serializers.CharField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class NoticesTold(serializers.Serializer):
    """A part of a person's notices, the latest first."""

    results = NoticeTold(many=True)
    next_cursor = serializers.CharField(help_text="Empty at the end.")
