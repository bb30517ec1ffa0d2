-- Running figures of each user, so that neither statistics nor saves read a whole history.
-- NULL means "not counted yet": existing users keep NULL and are counted when their figures are first needed.
ALTER TABLE "users"
    ADD COLUMN "total_seconds" BIGINT,
    ADD COLUMN "session_count" INTEGER,
    ADD COLUMN "text_bytes" BIGINT,
    ADD COLUMN "recordings_bytes" BIGINT,
    ADD COLUMN "figures_zone" VARCHAR,
    ADD COLUMN "revision" BIGINT NOT NULL DEFAULT 0;

ALTER TABLE "users"
    ALTER COLUMN "total_seconds" SET DEFAULT 0,
    ALTER COLUMN "session_count" SET DEFAULT 0,
    ALTER COLUMN "text_bytes" SET DEFAULT 0,
    ALTER COLUMN "recordings_bytes" SET DEFAULT 0;

ALTER TABLE "sessions" ADD COLUMN "revision" INTEGER NOT NULL DEFAULT 0;

-- From here on written by hand: what Prisma's schema language cannot say.

-- Every save updates the row of its user. Free space on the page keeps that update out of the indexes (HOT).
ALTER TABLE "users" SET (fillfactor = 70);

-- Bytes of the texts of a session: the one place that says which columns count.
CREATE FUNCTION text_bytes(s sessions) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(octet_length(s.xml_content), 0)::bigint + coalesce(octet_length(s.analysis_summary), 0)
        + coalesce(octet_length(s.analysis_feedback), 0)
$$;

-- Keeps the figures right, whoever writes sessions: this server, an earlier release, Prisma Studio or SQL.
--
-- The sums change by what the statement changed; NULL stays NULL. The streak covers streak_count local days, in
-- figures_zone, and ends on the day of last_practice_date. A change that may touch a day of the streak, or join its
-- first day, sets figures_zone to NULL: the streak is unknown and is counted again before it is used. So does a session
-- later than last_practice_date. The server sets that date before this runs, so its own saves are not concerned. Sessions
-- of the future need no mark, because the server looks for those that have become due before it uses the streak. The
-- limits are a day wider than needed, so that no time zone is looked up here: an unknown one would make every write fail.
CREATE FUNCTION update_figures() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE users u SET
            total_seconds = u.total_seconds + change.seconds,
            session_count = u.session_count + change.sessions,
            text_bytes = u.text_bytes + change.text_bytes,
            recordings_bytes = u.recordings_bytes + change.recordings_bytes,
            revision = u.revision + 1,
            figures_zone = CASE
                WHEN u.streak_count > 0 AND change.oldest < u.last_practice_date
                    AND change.oldest <= u.last_practice_date - (u.streak_count - 2) * interval '1 day'
                    AND change.newest >= u.last_practice_date - (u.streak_count + 2) * interval '1 day'
                THEN NULL
                WHEN change.newest > coalesce(u.last_practice_date, '-infinity') AND change.oldest <= now()
                THEN NULL ELSE u.figures_zone END
        FROM (
            SELECT n.user_id, sum(n.duration_seconds) AS seconds, count(*) AS sessions,
                min(n.date) AS oldest, max(n.date) AS newest,
                sum(text_bytes(n)) AS text_bytes,
                sum(coalesce(n.recording_bytes, 0)) AS recordings_bytes
            FROM new_rows n GROUP BY n.user_id
        ) change
        WHERE u.id = change.user_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE users u SET
            total_seconds = u.total_seconds - change.seconds,
            session_count = u.session_count - change.sessions,
            text_bytes = u.text_bytes - change.text_bytes,
            recordings_bytes = u.recordings_bytes - change.recordings_bytes,
            revision = u.revision + 1,
            figures_zone = CASE
                WHEN change.newest >= u.last_practice_date - (u.streak_count + 2) * interval '1 day'
                    AND change.oldest <= u.last_practice_date
                THEN NULL ELSE u.figures_zone END
        FROM (
            SELECT o.user_id, sum(o.duration_seconds) AS seconds, count(*) AS sessions,
                min(o.date) AS oldest, max(o.date) AS newest,
                sum(text_bytes(o)) AS text_bytes,
                sum(coalesce(o.recording_bytes, 0)) AS recordings_bytes
            FROM old_rows o GROUP BY o.user_id
        ) change
        WHERE u.id = change.user_id;
    ELSE
        UPDATE users u SET
            total_seconds = u.total_seconds + change.seconds,
            session_count = u.session_count + change.sessions,
            text_bytes = u.text_bytes + change.text_bytes,
            recordings_bytes = u.recordings_bytes + change.recordings_bytes,
            revision = u.revision + 1,
            figures_zone = CASE WHEN change.has_moved THEN NULL ELSE u.figures_zone END
        FROM (
            SELECT changed.user_id, sum(changed.seconds) AS seconds, sum(changed.sessions) AS sessions,
                sum(changed.text_bytes) AS text_bytes, sum(changed.recordings_bytes) AS recordings_bytes,
                bool_or(changed.has_moved) AS has_moved
            FROM (
                SELECT n.user_id, n.duration_seconds AS seconds, 1 AS sessions,
                    text_bytes(n) AS text_bytes,
                    coalesce(n.recording_bytes, 0) AS recordings_bytes,
                    NOT EXISTS (SELECT FROM old_rows o WHERE o.id = n.id AND o.user_id = n.user_id AND o.date = n.date) AS has_moved
                FROM new_rows n
                UNION ALL
                SELECT o.user_id, -o.duration_seconds, -1,
                    -text_bytes(o),
                    -coalesce(o.recording_bytes, 0),
                    NOT EXISTS (SELECT FROM new_rows n WHERE n.id = o.id AND n.user_id = o.user_id AND n.date = o.date)
                FROM old_rows o
            ) changed
            GROUP BY changed.user_id
        ) change
        WHERE u.id = change.user_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION update_figures();
CREATE TRIGGER sessions_updated AFTER UPDATE ON sessions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION update_figures();
CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION update_figures();

-- A history that is emptied as a whole is counted again when it is needed.
CREATE FUNCTION forget_figures() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE users SET total_seconds = NULL, session_count = NULL, text_bytes = NULL, recordings_bytes = NULL,
        figures_zone = NULL, revision = revision + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER sessions_truncated AFTER TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION forget_figures();

-- Another zone has other days. A writer that knows the figures of the new zone sets figures_zone in a later statement.
CREATE FUNCTION forget_streak() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.figures_zone := NULL;
    RETURN NEW;
END
$$;

CREATE TRIGGER users_time_zone_changed BEFORE UPDATE OF time_zone ON users FOR EACH ROW
    WHEN (NEW.time_zone IS DISTINCT FROM OLD.time_zone) EXECUTE FUNCTION forget_streak();

-- The version of one session, for conditional requests.
CREATE FUNCTION increase_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END
$$;

CREATE TRIGGER sessions_revision BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION increase_revision();
