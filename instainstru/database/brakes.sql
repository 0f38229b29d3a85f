-- The event triggers that stop the role that holds DDL. Only a superuser can make them. Spec: S1.14.
DO $brakes$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'ii_brake_drop') THEN
        CREATE EVENT TRIGGER ii_brake_drop ON sql_drop
            EXECUTE FUNCTION instainstru_guard.brake_on_drop();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'ii_brake_rewrite') THEN
        CREATE EVENT TRIGGER ii_brake_rewrite ON table_rewrite
            EXECUTE FUNCTION instainstru_guard.brake_on_rewrite();
    END IF;
    -- An earlier release watched fewer statements.
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger
                WHERE evtname = 'ii_brake_alter' AND NOT 'ALTER TRIGGER' = ANY (evttags)) THEN
        DROP EVENT TRIGGER ii_brake_alter;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'ii_brake_alter') THEN
        CREATE EVENT TRIGGER ii_brake_alter ON ddl_command_end
            WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER', 'CREATE TRIGGER')
            EXECUTE FUNCTION instainstru_guard.brake_on_alter();
    END IF;
    ALTER EVENT TRIGGER ii_brake_drop ENABLE ALWAYS;
    ALTER EVENT TRIGGER ii_brake_rewrite ENABLE ALWAYS;
    ALTER EVENT TRIGGER ii_brake_alter ENABLE ALWAYS;
END
$brakes$;
