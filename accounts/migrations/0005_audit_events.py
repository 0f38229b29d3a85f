"""The audit of staff acts, and the trigger that keeps its rows as they were written."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import instainstru.clock
import instainstru.identifiers

# What may change: a row older than two years may go, an address hash may be taken out, and a
# person may be taken out together with the reason that names them. Nothing else, ever.
GUARD = """
CREATE FUNCTION ii_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  takes_person_out boolean;
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.at < now() - interval '730 days' THEN
      RETURN OLD;
    END IF;
  ELSE
    takes_person_out :=
      (OLD.actor_id IS NOT NULL AND NEW.actor_id IS NULL)
      OR (OLD.subject_id IS NOT NULL AND NEW.subject_id IS NULL);
    IF (NEW.id, NEW.public_id, NEW.at, NEW.action, NEW.object_kind, NEW.object_id, NEW.before,
        NEW.after, NEW.request_id)
         IS NOT DISTINCT FROM
       (OLD.id, OLD.public_id, OLD.at, OLD.action, OLD.object_kind, OLD.object_id, OLD.before,
        OLD.after, OLD.request_id)
       AND (NEW.actor_id IS NULL OR NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id)
       AND (NEW.subject_id IS NULL OR NEW.subject_id IS NOT DISTINCT FROM OLD.subject_id)
       AND NEW.ip_hash IN ('', OLD.ip_hash)
       AND NEW.reason IN ('', OLD.reason)
       AND (takes_person_out
            OR (NEW.actor_pseudonym, NEW.subject_pseudonym, NEW.reason)
               = (OLD.actor_pseudonym, OLD.subject_pseudonym, OLD.reason))
    THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit is append-only: % of row % refused', TG_OP, OLD.id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_append_only';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
FOR EACH ROW EXECUTE FUNCTION ii_audit_append_only();
"""

DROP_GUARD = """
DROP TRIGGER audit_append_only ON accounts_auditevent;
DROP FUNCTION ii_audit_append_only();
"""


def person(help_text):
    return models.ForeignKey(
        blank=True,
        help_text=help_text,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_user_public_id")]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
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
                ("at", models.DateTimeField(default=instainstru.clock.now)),
                (
                    "actor",
                    person("Nobody for the system itself and for people who were erased."),
                ),
                ("actor_pseudonym", models.CharField(blank=True, max_length=40)),
                ("subject", person("The person whom it concerns.")),
                ("subject_pseudonym", models.CharField(blank=True, max_length=40)),
                (
                    "action",
                    models.CharField(
                        help_text="A noun and what happened: role.assigned.", max_length=60
                    ),
                ),
                (
                    "object_kind",
                    models.CharField(help_text="The model, such as user.", max_length=40),
                ),
                ("object_id", models.CharField(help_text="Its public id or code.", max_length=40)),
                ("before", models.JSONField(blank=True, null=True)),
                ("after", models.JSONField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("ip_hash", models.CharField(blank=True, max_length=32)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-at"], name="audit_newest"),
                    models.Index(fields=["actor", "-at"], name="audit_by_actor"),
                    models.Index(fields=["subject", "-at"], name="audit_by_subject"),
                    models.Index(fields=["object_kind", "object_id"], name="audit_by_object"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("public_id",), name="audit_public_id_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("action__regex", r"^[a-z_]+\.[a-z_]+$")),
                        name="audit_action_form",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARD, DROP_GUARD),
    ]
