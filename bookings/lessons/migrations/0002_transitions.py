from django.db import migrations

# The table of 05 section 2; tests hold it equal to bookings.lessons.states.ALLOWED_CHANGES.
GUARD = """
CREATE FUNCTION ii_booking_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (OLD.status || '>' || NEW.status) = ANY (ARRAY[
    'held>expired', 'held>confirmed',
    'confirmed>cancelled_student', 'confirmed>cancelled_instructor', 'confirmed>cancelled_staff',
    'confirmed>ended', 'confirmed>reported',
    'ended>completed', 'ended>reported',
    'completed>reported',
    'reported>completed', 'reported>no_show_student', 'reported>no_show_instructor',
    'reported>cancelled_staff'
  ]) THEN
    RAISE EXCEPTION 'booking % may not go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_transition_allowed';
  END IF;
  IF (NEW.price_cents, NEW.travel_fee_cents, NEW.fee_pct, NEW.duration_minutes, NEW.zone,
      NEW.policy_id, NEW.buffer_before_minutes, NEW.buffer_after_minutes, NEW.instructor_id,
      NEW.offering_id, NEW.service_name)
     IS DISTINCT FROM
     (OLD.price_cents, OLD.travel_fee_cents, OLD.fee_pct, OLD.duration_minutes, OLD.zone,
      OLD.policy_id, OLD.buffer_before_minutes, OLD.buffer_after_minutes, OLD.instructor_id,
      OLD.offering_id, OLD.service_name)
  THEN
    RAISE EXCEPTION 'the terms of booking % are frozen', OLD.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_terms_frozen';
  END IF;
  IF (NEW.start_at, NEW.end_at) IS DISTINCT FROM (OLD.start_at, OLD.end_at)
     AND OLD.status <> 'confirmed'
  THEN
    RAISE EXCEPTION 'only a confirmed lesson can move, not booking %', OLD.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_moves_only_confirmed';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER booking_guard BEFORE UPDATE ON lessons_booking
FOR EACH ROW EXECUTE FUNCTION ii_booking_guard();
"""

DROP_GUARD = """
DROP TRIGGER booking_guard ON lessons_booking;
DROP FUNCTION ii_booking_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("lessons", "0001_booking")]

    operations = [migrations.RunSQL(GUARD, DROP_GUARD)]
