-- The four roles of a server, once per server and any number of times.
-- Run by the admin URL: a superuser, or a role with CREATEROLE on a managed server. Spec: S1.13.
DO $roles$
DECLARE
    wanted text;
    known pg_catalog.pg_roles;
    setting record;
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
    -- Nobody waits or holds for ever: a hung request ends, and so does a forgotten transaction.
    -- A migration waits for its locks no longer than the site can wait behind it.
    FOR setting IN
        SELECT * FROM (VALUES
            ('ii_readonly', 'default_transaction_read_only', 'on'),
            ('ii_readonly', 'statement_timeout', '30s'),
            ('ii_readonly', 'lock_timeout', '10s'),
            ('ii_readonly', 'idle_in_transaction_session_timeout', '5min'),
            ('ii_app', 'statement_timeout', '30s'),
            ('ii_app', 'lock_timeout', '10s'),
            ('ii_app', 'idle_in_transaction_session_timeout', '5min'),
            ('ii_migrator', 'lock_timeout', '10s'),
            ('ii_migrator', 'idle_in_transaction_session_timeout', '15min'),
            ('ii_admin', 'idle_in_transaction_session_timeout', '15min')
        ) AS settings (role_name, name, value)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s
                         JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
                        WHERE r.rolname = setting.role_name AND s.setdatabase = 0
                          AND s.setconfig @> ARRAY[setting.name || '=' || setting.value]) THEN
            EXECUTE pg_catalog.format(
                'ALTER ROLE %I SET %I = %L', setting.role_name, setting.name, setting.value);
        END IF;
    END LOOP;
END
$roles$;
