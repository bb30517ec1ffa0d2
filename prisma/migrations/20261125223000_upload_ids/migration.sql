-- The direct upload of a session that was begun last, or that was attached to it.
-- NULL: none, or one that the previous release began.
ALTER TABLE "sessions" ADD COLUMN "upload_id" VARCHAR;

-- From here on written by hand: what Prisma's schema language cannot say.

-- To begin an upload changes nothing that a session shows, so its revision stays the same.
DROP TRIGGER sessions_revision ON sessions;
CREATE TRIGGER sessions_revision BEFORE UPDATE ON sessions FOR EACH ROW
    WHEN (NEW.upload_id IS NOT DISTINCT FROM OLD.upload_id OR NEW.audio_url IS DISTINCT FROM OLD.audio_url)
    EXECUTE FUNCTION increase_revision();
