-- Rights inside a database: what ii_migrator makes, ii_app may change and ii_readonly may read.
-- Idempotent; run by ii_migrator itself or by the admin. Spec: S1.13.
ALTER DEFAULT PRIVILEGES FOR ROLE ii_migrator IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ii_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ii_migrator IN SCHEMA public GRANT SELECT ON TABLES TO ii_readonly;
ALTER DEFAULT PRIVILEGES FOR ROLE ii_migrator IN SCHEMA public
    REVOKE UPDATE ON SEQUENCES FROM ii_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ii_migrator IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO ii_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ii_migrator IN SCHEMA public
    GRANT SELECT ON SEQUENCES TO ii_readonly;

DO $rights$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::regclass AS name, c.relkind FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
           AND c.relowner = 'ii_migrator'::regrole
    LOOP
        IF item.relkind = 'S' THEN
            -- Numbers are taken, never set back: a row's number would come twice.
            EXECUTE pg_catalog.format('REVOKE UPDATE ON SEQUENCE %s FROM ii_app', item.name);
            EXECUTE pg_catalog.format('GRANT USAGE, SELECT ON SEQUENCE %s TO ii_app', item.name);
            EXECUTE pg_catalog.format('GRANT SELECT ON SEQUENCE %s TO ii_readonly', item.name);
        ELSE
            EXECUTE pg_catalog.format(
                'REVOKE TRUNCATE, REFERENCES, TRIGGER, MAINTAIN ON %s FROM ii_app, ii_readonly', item.name);
            EXECUTE pg_catalog.format(
                'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ii_app', item.name);
            EXECUTE pg_catalog.format('REVOKE INSERT, UPDATE, DELETE ON %s FROM ii_readonly', item.name);
            EXECUTE pg_catalog.format('GRANT SELECT ON %s TO ii_readonly', item.name);
        END IF;
    END LOOP;
END
$rights$;
