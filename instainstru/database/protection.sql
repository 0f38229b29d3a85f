-- What one database gets: rights of the four roles, the guard schema, the brakes' functions.
-- Idempotent; run with the admin URL. The brakes themselves are pulled by brakes.sql and by one
-- trigger per table. Spec: S1.13, S1.14, S1.16.

-- Rights: whoever is no role of ours gets in only as a superuser.
ALTER DATABASE {database} OWNER TO ii_admin;
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO ii_app, ii_readonly, ii_migrator;
GRANT TEMPORARY ON DATABASE {database} TO ii_migrator;

-- The guard schema belongs to ii_admin alone.
ALTER SCHEMA instainstru_guard OWNER TO ii_admin;
ALTER TABLE instainstru_guard.stamp OWNER TO ii_admin;

CREATE TABLE IF NOT EXISTS instainstru_guard.unlock (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_oid oid NOT NULL,
    role_name text NOT NULL,
    migration text NOT NULL CHECK (migration <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    granted_by text NOT NULL DEFAULT session_user,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    consumed_at timestamptz,
    consumed_by xid8
);
COMMENT ON TABLE instainstru_guard.unlock IS
    'Each row lets one role pass the brakes once, for one migration, within ten minutes.';
ALTER TABLE instainstru_guard.unlock OWNER TO ii_admin;
REVOKE ALL ON instainstru_guard.unlock FROM PUBLIC;

CREATE TABLE IF NOT EXISTS instainstru_guard.state (
    is_one_row boolean PRIMARY KEY DEFAULT true CHECK (is_one_row),
    armed_at timestamptz,
    release text NOT NULL,
    impossible text[] NOT NULL DEFAULT ARRAY[]::text[]
);
COMMENT ON TABLE instainstru_guard.state IS
    'When the brakes were armed, which release installed them, which ones the server allows not.';
ALTER TABLE instainstru_guard.state OWNER TO ii_admin;
GRANT SELECT ON instainstru_guard.state TO PUBLIC;

CREATE OR REPLACE FUNCTION instainstru_guard.is_guarded(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $guard$
    SELECT name ~ {guarded};
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.is_armed() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
    SELECT EXISTS (SELECT FROM instainstru_guard.state WHERE armed_at IS NOT NULL);
$guard$;

-- Arming works one way only: the first migration of an empty database runs unarmed.
CREATE OR REPLACE FUNCTION instainstru_guard.arm() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
    UPDATE instainstru_guard.state SET armed_at = clock_timestamp() WHERE armed_at IS NULL;
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.is_unlocked() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
DECLARE
    wanted text := coalesce(current_setting('instainstru.migration', true), '');
    here oid := (SELECT oid FROM pg_database WHERE datname = current_database());
BEGIN
    -- One row serves one transaction, in which a migration may drop several things.
    IF EXISTS (SELECT FROM instainstru_guard.unlock
                WHERE consumed_by = pg_current_xact_id() AND database_oid = here
                  AND role_name = session_user AND migration = wanted) THEN
        RETURN true;
    END IF;
    UPDATE instainstru_guard.unlock
       SET consumed_at = clock_timestamp(), consumed_by = pg_current_xact_id()
     WHERE id = (SELECT id FROM instainstru_guard.unlock
                  WHERE consumed_at IS NULL AND database_oid = here
                    AND role_name = session_user AND migration = wanted
                    AND granted_at BETWEEN clock_timestamp() - interval '10 minutes'
                                       AND clock_timestamp()
                  ORDER BY id LIMIT 1 FOR UPDATE);
    RETURN FOUND;
END
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.brake_on_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
DECLARE
    lost text;
BEGIN
    SELECT string_agg(object_type || ' ' || object_identity, ', ') INTO lost
      FROM pg_event_trigger_dropped_objects()
     WHERE NOT is_temporary
       AND (object_type IN ('table', 'table column', 'schema', 'materialized view',
                            'foreign table', 'domain')
            OR original AND (object_type IN ('sequence', 'type')
                             OR object_type = 'trigger' AND object_identity LIKE 'ii\_brake\_%'));
    IF lost IS NOT NULL AND instainstru_guard.is_armed()
       AND NOT instainstru_guard.is_unlocked() THEN
        RAISE EXCEPTION 'instainstru: % may not drop %', session_user, lost USING ERRCODE = '42501';
    END IF;
END
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.brake_on_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
DECLARE
    rewritten regclass := pg_event_trigger_table_rewrite_oid()::regclass;
BEGIN
    IF (SELECT relpersistence <> 't' FROM pg_class WHERE oid = rewritten)
       AND instainstru_guard.is_armed() AND NOT instainstru_guard.is_unlocked() THEN
        RAISE EXCEPTION 'instainstru: % may not rewrite %', session_user, rewritten
            USING ERRCODE = '42501';
    END IF;
END
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.brake_on_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
BEGIN
    IF NOT instainstru_guard.is_unlocked() THEN
        RAISE EXCEPTION 'instainstru: % may not truncate %', session_user, TG_TABLE_NAME
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.brake_on_many_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM touched LIMIT {most_rows} + 1) AS these) > {most_rows}
       AND NOT instainstru_guard.is_unlocked() THEN
        RAISE EXCEPTION 'instainstru: % may not % more than % rows of % at once',
            session_user, lower(TG_OP), {most_rows}, TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END
$guard$;

-- A brake is sound when it is exactly what the installation makes: a condition, a list of columns,
-- another function, another name or a switched-off trigger would let statements pass.
CREATE OR REPLACE FUNCTION instainstru_guard.is_sound(brake oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $guard$
    SELECT t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL AND t.tgattr::text = ''
           AND (t.tgname::text, t.tgtype, t.tgfoid, coalesce(t.tgoldtable::text, '')) IN (
               ('ii_brake_truncate', 34::smallint,
                'instainstru_guard.brake_on_truncate()'::regprocedure::oid, ''),
               ('ii_brake_update', 16::smallint,
                'instainstru_guard.brake_on_many_rows()'::regprocedure::oid, 'touched'),
               ('ii_brake_delete', 8::smallint,
                'instainstru_guard.brake_on_many_rows()'::regprocedure::oid, 'touched'))
      FROM pg_trigger t WHERE t.oid = brake;
$guard$;

CREATE OR REPLACE FUNCTION instainstru_guard.brake_on_alter() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
BEGIN
    -- Of a table that became another one's child, statements on that other one pass the brakes.
    IF (EXISTS (SELECT FROM pg_trigger t
                 WHERE NOT t.tgisinternal AND NOT instainstru_guard.is_sound(t.oid)
                   AND (t.tgname LIKE 'ii\_brake\_%' OR t.tgfoid IN (
                            'instainstru_guard.brake_on_truncate()'::regprocedure,
                            'instainstru_guard.brake_on_many_rows()'::regprocedure)))
        OR EXISTS (SELECT FROM pg_inherits i JOIN pg_trigger t ON t.tgrelid = i.inhrelid
                    WHERE t.tgname LIKE 'ii\_brake\_%'))
       AND instainstru_guard.is_armed() AND NOT instainstru_guard.is_unlocked() THEN
        RAISE EXCEPTION 'instainstru: % may not disable a brake', session_user
            USING ERRCODE = '42501';
    END IF;
END
$guard$;

DO $owners$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN SELECT oid FROM pg_catalog.pg_proc
                    WHERE pronamespace = 'instainstru_guard'::regnamespace
    LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO ii_admin', routine);
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO ii_migrator', routine);
    END LOOP;
    REVOKE EXECUTE ON FUNCTION instainstru_guard.is_unlocked() FROM ii_migrator;
    GRANT EXECUTE ON FUNCTION instainstru_guard.is_guarded(text) TO PUBLIC;
    GRANT EXECUTE ON FUNCTION instainstru_guard.is_sound(oid) TO PUBLIC;
END
$owners$;
