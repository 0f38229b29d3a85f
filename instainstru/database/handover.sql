-- The schema's tables, views, sequences and routines belong to ii_migrator, whoever made them.
-- Idempotent; run with the admin URL, and for test databases. Spec: S1.13.
GRANT USAGE ON SCHEMA public TO ii_app, ii_readonly;
GRANT USAGE, CREATE ON SCHEMA public TO ii_migrator;

DO $handover$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT c.oid::regclass AS name, c.relkind FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
           AND c.relowner <> 'ii_migrator'::regrole
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                              AND d.deptype IN ('e', 'a', 'i') AND d.refobjsubid >= 0
                              AND (d.deptype = 'e' OR c.relkind = 'S'))
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO ii_migrator',
            CASE item.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
                 WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, item.name);
    END LOOP;
    FOR item IN
        SELECT p.oid::regprocedure AS name FROM pg_catalog.pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 'ii_migrator'::regrole
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass
                              AND d.deptype = 'e')
    LOOP
        EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO ii_migrator', item.name);
    END LOOP;
END
$handover$;
