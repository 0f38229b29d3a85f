"""Who waits for an instructor to return, what is reported, one name for what lists share."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import instainstru.clock
import instainstru.identifiers


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_credentials_and_questions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProfileReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        default=instainstru.identifiers.public_id, editable=False, max_length=10
                    ),
                ),
                ("created_at", models.DateTimeField(default=instainstru.clock.now)),
                ("handled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "email",
                    models.EmailField(
                        blank=True, help_text="Of somebody not signed in.", max_length=254
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("misleading", "It is misleading or untrue"),
                            ("contact", "It asks to book or pay outside InstaInstru"),
                            ("offensive", "It is offensive"),
                            ("safety", "I'm worried about somebody's safety"),
                            ("other", "Something else"),
                        ],
                        max_length=10,
                    ),
                ),
                ("text", models.TextField(max_length=2000)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ReturnAlert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("created_at", models.DateTimeField(default=instainstru.clock.now)),
                ("notified_at", models.DateTimeField(blank=True, null=True)),
                ("removal_hash", models.CharField(blank=True, editable=False, max_length=64)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.RemoveConstraint(
            model_name="servicealert",
            name="service_alert_unique",
        ),
        migrations.RemoveConstraint(
            model_name="servicealert",
            name="service_alert_mail_has_way_out",
        ),
        migrations.RemoveConstraint(
            model_name="servicesuggestion",
            name="suggestion_public_id_unique",
        ),
        migrations.RemoveConstraint(
            model_name="servicesuggestion",
            name="suggestion_handled_after_made",
        ),
        migrations.RemoveConstraint(
            model_name="teachinginterest",
            name="teaching_interest_public_id_unique",
        ),
        migrations.RemoveConstraint(
            model_name="teachinginterest",
            name="teaching_interest_handled_after_made",
        ),
        migrations.RemoveConstraint(
            model_name="waitlistentry",
            name="waitlist_entry_unique",
        ),
        migrations.RemoveConstraint(
            model_name="waitlistentry",
            name="waitlist_mail_has_way_out",
        ),
        migrations.RenameIndex(
            model_name="servicealert",
            new_name="servicealert_unanswered",
            old_name="service_alert_unanswered",
        ),
        migrations.RenameIndex(
            model_name="servicealert",
            new_name="servicealert_removal",
            old_name="service_alert_removal",
        ),
        migrations.RenameIndex(
            model_name="servicesuggestion",
            new_name="servicesuggestion_newest",
            old_name="suggestion_newest",
        ),
        migrations.RenameIndex(
            model_name="teachinginterest",
            new_name="teachinginterest_newest",
            old_name="teaching_interest_newest",
        ),
        migrations.RenameIndex(
            model_name="waitlistentry",
            new_name="waitlistentry_unanswered",
            old_name="waitlist_unanswered",
        ),
        migrations.RenameIndex(
            model_name="waitlistentry",
            new_name="waitlistentry_removal",
            old_name="waitlist_removal",
        ),
        migrations.AddConstraint(
            model_name="servicealert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("notified_at__isnull", True),
                    models.Q(("removal_hash", ""), _negated=True),
                    _connector="OR",
                ),
                name="servicealert_mail_has_way_out",
            ),
        ),
        migrations.AddConstraint(
            model_name="servicealert",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                models.F("service"),
                name="servicealert_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="servicesuggestion",
            constraint=models.UniqueConstraint(
                fields=("public_id",), name="servicesuggestion_public_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="servicesuggestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("handled_at__isnull", True),
                    ("handled_at__gte", models.F("created_at")),
                    _connector="OR",
                ),
                name="servicesuggestion_handled_after_made",
            ),
        ),
        migrations.AddConstraint(
            model_name="teachinginterest",
            constraint=models.UniqueConstraint(
                fields=("public_id",), name="teachinginterest_public_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="teachinginterest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("handled_at__isnull", True),
                    ("handled_at__gte", models.F("created_at")),
                    _connector="OR",
                ),
                name="teachinginterest_handled_after_made",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("notified_at__isnull", True),
                    models.Q(("removal_hash", ""), _negated=True),
                    _connector="OR",
                ),
                name="waitlistentry_mail_has_way_out",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                models.F("neighborhood"),
                name="waitlistentry_unique",
            ),
        ),
        migrations.AddField(
            model_name="profilereport",
            name="instructor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reports",
                to="catalog.instructor",
            ),
        ),
        migrations.AddField(
            model_name="profilereport",
            name="reporter",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="returnalert",
            name="instructor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="return_alerts",
                to="catalog.instructor",
            ),
        ),
        migrations.AddIndex(
            model_name="profilereport",
            index=models.Index(fields=["-created_at"], name="profilereport_newest"),
        ),
        migrations.AddConstraint(
            model_name="profilereport",
            constraint=models.UniqueConstraint(
                fields=("public_id",), name="profilereport_public_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="profilereport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("handled_at__isnull", True),
                    ("handled_at__gte", models.F("created_at")),
                    _connector="OR",
                ),
                name="profilereport_handled_after_made",
            ),
        ),
        migrations.AddConstraint(
            model_name="profilereport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["misleading", "contact", "offensive", "safety", "other"])
                ),
                name="profilereport_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="profilereport",
            constraint=models.CheckConstraint(
                condition=models.Q(("text__regex", ".{20}")),
                name="profilereport_says_something",
            ),
        ),
        migrations.AddIndex(
            model_name="returnalert",
            index=models.Index(
                condition=models.Q(("notified_at__isnull", True)),
                fields=["created_at"],
                name="returnalert_unanswered",
            ),
        ),
        migrations.AddIndex(
            model_name="returnalert",
            index=models.Index(fields=["removal_hash"], name="returnalert_removal"),
        ),
        migrations.AddConstraint(
            model_name="returnalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("notified_at__isnull", True),
                    models.Q(("removal_hash", ""), _negated=True),
                    _connector="OR",
                ),
                name="returnalert_mail_has_way_out",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnalert",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                models.F("instructor"),
                name="returnalert_unique",
            ),
        ),
    ]
