from django.db import migrations

FREEZE = """
CREATE FUNCTION ii_booking_people_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status NOT IN ('held', 'expired')
     AND (NEW.modality, NEW.neighborhood_id, NEW.student_id, NEW.learner_id, NEW.code, NEW.purpose)
     IS DISTINCT FROM
     (OLD.modality, OLD.neighborhood_id, OLD.student_id, OLD.learner_id, OLD.code, OLD.purpose)
  THEN
    RAISE EXCEPTION 'place and people of booking % are frozen', OLD.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_people_frozen';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER booking_people_guard BEFORE UPDATE ON lessons_booking
FOR EACH ROW EXECUTE FUNCTION ii_booking_people_guard();

CREATE FUNCTION ii_revision_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.booking_id, NEW.number, NEW.start_at, NEW.end_at, NEW.moved_by, NEW.is_student_move)
     IS DISTINCT FROM
     (OLD.booking_id, OLD.number, OLD.start_at, OLD.end_at, OLD.moved_by, OLD.is_student_move)
  THEN
    RAISE EXCEPTION 'an earlier time of a lesson is written once'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_revision_kept';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER booking_revision_kept BEFORE UPDATE ON lessons_bookingrevision
FOR EACH ROW EXECUTE FUNCTION ii_revision_is_kept();
"""

THAW = """
DROP TRIGGER booking_people_guard ON lessons_booking;
DROP FUNCTION ii_booking_people_guard();
DROP TRIGGER booking_revision_kept ON lessons_bookingrevision;
DROP FUNCTION ii_revision_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("lessons", "0005_moves_reports_and_strikes")]

    operations = [migrations.RunSQL(FREEZE, THAW)]
