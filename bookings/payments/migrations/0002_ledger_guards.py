from django.db import migrations

# The balance is checked when a transaction commits, so that its entries may be written one by one.
GUARDS = """
CREATE FUNCTION ii_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
END $$;

CREATE TRIGGER ledger_transaction_append_only BEFORE UPDATE OR DELETE ON payments_ledgertransaction
FOR EACH ROW EXECUTE FUNCTION ii_ledger_append_only();

CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON payments_ledgerentry
FOR EACH ROW EXECUTE FUNCTION ii_ledger_append_only();

CREATE FUNCTION ii_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  checked_id bigint;
  total numeric;
  lines integer;
BEGIN
  IF TG_TABLE_NAME = 'payments_ledgertransaction' THEN
    checked_id := NEW.id;
  ELSE
    checked_id := NEW.transaction_id;
  END IF;
  SELECT coalesce(sum(amount_cents), 0), count(*) INTO total, lines
    FROM payments_ledgerentry WHERE transaction_id = checked_id;
  IF total <> 0 OR lines < 2 THEN
    RAISE EXCEPTION 'ledger transaction % has % entries that sum to %', checked_id, lines, total
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_transaction_balanced';
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_transaction_balanced
AFTER INSERT ON payments_ledgertransaction DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ii_ledger_balanced();

CREATE CONSTRAINT TRIGGER ledger_entry_balanced
AFTER INSERT ON payments_ledgerentry DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ii_ledger_balanced();
"""

DROP_GUARDS = """
DROP TRIGGER ledger_entry_balanced ON payments_ledgerentry;
DROP TRIGGER ledger_transaction_balanced ON payments_ledgertransaction;
DROP FUNCTION ii_ledger_balanced();
DROP TRIGGER ledger_entry_append_only ON payments_ledgerentry;
DROP TRIGGER ledger_transaction_append_only ON payments_ledgertransaction;
DROP FUNCTION ii_ledger_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_payments")]

    operations = [migrations.RunSQL(GUARDS, DROP_GUARDS)]
