from django.db import migrations

# Rows may go with their person, but nobody can change what somebody said.
GUARD = """
CREATE FUNCTION ii_consent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'consents are append-only: % refused', TG_OP
    USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_append_only';
END $$;

CREATE TRIGGER consent_append_only BEFORE UPDATE ON privacy_consent
FOR EACH ROW EXECUTE FUNCTION ii_consent_append_only();
"""

DROP_GUARD = """
DROP TRIGGER consent_append_only ON privacy_consent;
DROP FUNCTION ii_consent_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_consents")]

    operations = [migrations.RunSQL(GUARD, DROP_GUARD)]
