from django.db import migrations, models
from django.db.models import Q

PSEUDONYM = r"^former-[0-9A-HJKMNP-TV-Z]{6,32}$"

# Compared as a whole but for the people, so that a column of a later day is guarded too. Each of
# the two may give place to a pseudonym, once, and never the other way.
GUARD = """
CREATE FUNCTION ii_ledger_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  people CONSTANT text[] :=
    ARRAY['student_id', 'student_pseudonym', 'instructor_id', 'instructor_pseudonym'];
  student_goes boolean;
  instructor_goes boolean;
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - people = to_jsonb(OLD) - people THEN
    student_goes := OLD.student_id IS NOT NULL AND NEW.student_id IS NULL
      AND OLD.student_pseudonym = '' AND NEW.student_pseudonym <> '';
    instructor_goes := OLD.instructor_id IS NOT NULL AND NEW.instructor_id IS NULL
      AND OLD.instructor_pseudonym = '' AND NEW.instructor_pseudonym <> '';
    IF (student_goes OR instructor_goes)
       AND (student_goes OR (NEW.student_id, NEW.student_pseudonym)
                              IS NOT DISTINCT FROM (OLD.student_id, OLD.student_pseudonym))
       AND (instructor_goes OR (NEW.instructor_id, NEW.instructor_pseudonym)
                                 IS NOT DISTINCT FROM (OLD.instructor_id, OLD.instructor_pseudonym))
    THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
END $$;

CREATE OR REPLACE TRIGGER ledger_transaction_append_only
BEFORE UPDATE OR DELETE ON payments_ledgertransaction
FOR EACH ROW EXECUTE FUNCTION ii_ledger_event_guard();
"""

DROP_GUARD = """
CREATE OR REPLACE TRIGGER ledger_transaction_append_only
BEFORE UPDATE OR DELETE ON payments_ledgertransaction
FOR EACH ROW EXECUTE FUNCTION ii_ledger_append_only();
DROP FUNCTION ii_ledger_event_guard();
"""


def pseudonym(help_text):
    return models.CharField(
        blank=True, db_default="", default="", help_text=help_text, max_length=40
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_what_gateways_forget")]

    operations = [
        migrations.AddField(
            "ledgertransaction", "student_pseudonym", pseudonym("In place of a student.")
        ),
        migrations.AddField(
            "ledgertransaction", "instructor_pseudonym", pseudonym("In place of an instructor.")
        ),
        migrations.AddConstraint(
            "ledgertransaction",
            models.CheckConstraint(
                condition=Q(student_pseudonym="")
                | Q(student__isnull=True, student_pseudonym__regex=PSEUDONYM),
                name="ledger_student_or_pseudonym",
            ),
        ),
        migrations.AddConstraint(
            "ledgertransaction",
            models.CheckConstraint(
                condition=Q(instructor_pseudonym="")
                | Q(instructor__isnull=True, instructor_pseudonym__regex=PSEUDONYM),
                name="ledger_instructor_or_pseudonym",
            ),
        ),
        migrations.RunSQL(GUARD, DROP_GUARD),
    ]
