-- Written by hand: what Prisma's schema language cannot say.

-- Refuses what makes a user's sums grow beyond the quotas of the statement: sessions, bytes of text, bytes of recordings,
-- as an array in harmony_helper.quotas. Without that setting, as for earlier releases, Prisma Studio and SQL, there are no
-- quotas. What makes a sum smaller, or leaves it, is always allowed.
CREATE FUNCTION check_quotas() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    quotas bigint[] := nullif(current_setting('harmony_helper.quotas', true), '')::bigint[];
BEGIN
    IF NEW.session_count > OLD.session_count AND NEW.session_count > quotas[1] THEN
        RAISE EXCEPTION 'too many sessions' USING ERRCODE = 'HQ001';
    ELSIF NEW.text_bytes > OLD.text_bytes AND NEW.text_bytes > quotas[2] THEN
        RAISE EXCEPTION 'too much text' USING ERRCODE = 'HQ002';
    ELSIF NEW.recordings_bytes > OLD.recordings_bytes AND NEW.recordings_bytes > quotas[3] THEN
        RAISE EXCEPTION 'too many bytes of recordings' USING ERRCODE = 'HQ003';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_quotas AFTER UPDATE OF session_count, text_bytes, recordings_bytes ON users FOR EACH ROW
    WHEN (NEW.session_count > OLD.session_count OR NEW.text_bytes > OLD.text_bytes
        OR NEW.recordings_bytes > OLD.recordings_bytes)
    EXECUTE FUNCTION check_quotas();
