-- Nullable columns without a default, and checks that are not validated: no row is read or written.
ALTER TABLE "sessions"
    ADD COLUMN "marked_xml" TEXT,
    ADD COLUMN "notes" TEXT,
    ADD COLUMN "content_digest" VARCHAR(64);

-- From here on written by hand: what Prisma's schema language cannot say.

ALTER TABLE "sessions"
    ADD CONSTRAINT "sessions_notes_check" CHECK (char_length("notes") <= 10000) NOT VALID,
    ADD CONSTRAINT "sessions_content_digest_check" CHECK ("content_digest" ~ '^[0-9a-f]{64}$') NOT VALID;

CREATE OR REPLACE FUNCTION text_bytes(s sessions) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(octet_length(s.xml_content), 0)::bigint + coalesce(octet_length(s.marked_xml), 0)
        + coalesce(octet_length(s.notes), 0) + coalesce(octet_length(s.analysis_summary), 0)
        + coalesce(octet_length(s.analysis_feedback), 0)
$$;

-- SHA-256 of what a session holds, as the server computes it of a session that is sent (digestContent): the members that
-- are not null, each as name, bytes and text. A recording whose deletion has begun has no URL and does not count.
CREATE FUNCTION digest_session(s sessions) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(string_agg(name || ':' || octet_length(value) || ':' || value, '' ORDER BY place), 'UTF8')), 'hex')
    FROM (VALUES
        (1, 'songName', s.song_name),
        (2, 'instrument', s.instrument),
        (3, 'durationSeconds', s.duration_seconds::text),
        (4, 'date', to_char(s.date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
        (5, 'xmlContent', s.xml_content),
        (6, 'notes', s.notes),
        (7, 'summary', s.analysis_summary),
        (8, 'feedback', s.analysis_feedback),
        (9, 'scoreAccuracy', s.score_accuracy::text),
        (10, 'markedXml', s.marked_xml),
        (11, 'recording', CASE WHEN s.audio_url IS NOT NULL THEN s.recording_sha256 END)
    ) AS member (place, name, value)
    WHERE value IS NOT NULL
$$;

-- Sessions that an earlier release saves have no digest. Their first change, whoever makes it, keeps that of what was
-- saved first, so that a late repeat of the save is recognised.
CREATE FUNCTION keep_first_content() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.content_digest := coalesce(NEW.content_digest, digest_session(OLD));
    RETURN NEW;
END
$$;

CREATE TRIGGER sessions_first_content BEFORE UPDATE ON sessions FOR EACH ROW
    WHEN (OLD.content_digest IS NULL) EXECUTE FUNCTION keep_first_content();
