-- The four roles of a server, once per server and any number of times.
-- Run by the admin URL: a superuser, or a role with CREATEROLE on a managed server. Spec: S1.13.
DO $roles$
DECLARE
    wanted text;
    known pg_catalog.pg_roles;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ii_admin', 'ii_migrator', 'ii_app', 'ii_readonly'] LOOP
        SELECT * INTO known FROM pg_catalog.pg_roles WHERE rolname = wanted;
        IF NOT FOUND THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN', wanted);
            CONTINUE;
        END IF;
        -- Only what differs is altered: two installations at once must not meet in one row.
        IF known.rolcreatedb OR known.rolcreaterole OR NOT known.rolcanlogin THEN
            EXECUTE pg_catalog.format('ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE', wanted);
        END IF;
        IF known.rolsuper OR known.rolbypassrls OR known.rolreplication THEN
            EXECUTE pg_catalog.format(
                'ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOREPLICATION', wanted);
        END IF;
    END LOOP;

    IF NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                    WHERE m.roleid = 'ii_migrator'::regrole AND m.member = 'ii_admin'::regrole) THEN
        GRANT ii_migrator TO ii_admin;
    END IF;
    -- A managed server's admin is no superuser: it must be able to act as the owners it makes.
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
       AND current_user <> 'ii_admin' THEN
        EXECUTE pg_catalog.format(
            'GRANT ii_admin, ii_migrator TO %I WITH INHERIT TRUE, SET TRUE', current_user);
    END IF;
END
$roles$;
