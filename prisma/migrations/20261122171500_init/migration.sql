-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "auth0_id" VARCHAR NOT NULL,
    "email" VARCHAR NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT now(),
    "streak_count" INTEGER NOT NULL DEFAULT 0,
    "last_practice_date" TIMESTAMPTZ(6),
    "name" VARCHAR,
    "picture" VARCHAR,
    "time_zone" VARCHAR,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "song_name" VARCHAR NOT NULL,
    "instrument" VARCHAR NOT NULL,
    "duration_seconds" INTEGER NOT NULL,
    "date" TIMESTAMPTZ(6) NOT NULL DEFAULT now(),
    "xml_content" TEXT,
    "analysis_summary" TEXT,
    "analysis_feedback" TEXT,
    "score_accuracy" INTEGER,
    "audio_url" VARCHAR,
    "recording_bytes" BIGINT,
    "recording_sha256" VARCHAR(64),

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session_leases" (
    "session_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "holder" UUID,
    "content_digest" VARCHAR(64),
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT now(),
    "expires_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "session_leases_pkey" PRIMARY KEY ("session_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "users_auth0_id_key" ON "users"("auth0_id");

-- CreateIndex
CREATE INDEX "sessions_user_id_date_id_idx" ON "sessions"("user_id", "date" DESC, "id");

-- CreateIndex
CREATE INDEX "session_leases_user_id_idx" ON "session_leases"("user_id");

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "session_leases" ADD CONSTRAINT "session_leases_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- From here on written by hand: what Prisma's schema language cannot say.

-- What must never be there, whoever writes. The API is stricter in places; nothing here refuses what it accepts.
-- In btrim: the white space that is white space everywhere, whatever the locale.
ALTER TABLE "users"
    ADD CONSTRAINT "users_auth0_id_check" CHECK (char_length("auth0_id") BETWEEN 1 AND 255 AND "auth0_id" !~ '[\u0001-\u001f\u007f-\u009f]'),
    ADD CONSTRAINT "users_streak_count_check" CHECK ("streak_count" >= 0),
    ADD CONSTRAINT "users_time_zone_check" CHECK ("time_zone" ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$');

ALTER TABLE "sessions"
    ADD CONSTRAINT "sessions_song_name_check" CHECK (length(btrim("song_name", E' \t\n\r\f\x0b')) > 0 AND char_length("song_name") <= 300),
    ADD CONSTRAINT "sessions_instrument_check" CHECK (length(btrim("instrument", E' \t\n\r\f\x0b')) > 0 AND char_length("instrument") <= 300),
    ADD CONSTRAINT "sessions_duration_seconds_check" CHECK ("duration_seconds" BETWEEN 0 AND 86400),
    ADD CONSTRAINT "sessions_score_accuracy_check" CHECK ("score_accuracy" BETWEEN 0 AND 100),
    -- 1900 in the easternmost time zone, and the last year that ISO 8601 writes with four digits; infinity is neither.
    ADD CONSTRAINT "sessions_date_check" CHECK ("date" >= '1899-12-31T00:00:00Z' AND "date" < '10000-01-01T00:00:00Z'),
    ADD CONSTRAINT "sessions_recording_bytes_check" CHECK ("recording_bytes" >= 0),
    ADD CONSTRAINT "sessions_recording_sha256_check" CHECK ("recording_sha256" ~ '^[0-9a-f]{64}$');

ALTER TABLE "session_leases"
    ADD CONSTRAINT "session_leases_content_digest_check" CHECK ("content_digest" ~ '^[0-9a-f]{64}$');

-- Supabase shows the schema `public` to the world through its REST API and the anon key. Row level security without a
-- policy lets nobody but the owner (the role that the server connects as) see a row; the revocation is the second lock.
ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "sessions" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "session_leases" ENABLE ROW LEVEL SECURITY;
-- Made by whoever applies the migrations, before the first; in a shadow database it is missing.
ALTER TABLE IF EXISTS "_prisma_migrations" ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    visitor text;
    ours regclass;
BEGIN
    FOR visitor, ours IN
        SELECT rolname, to_regclass(name)
        FROM pg_roles, unnest(ARRAY['users', 'sessions', 'session_leases', '_prisma_migrations']) AS name
        WHERE rolname IN ('anon', 'authenticated') AND to_regclass(name) IS NOT NULL
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM %I', ours, visitor);
    END LOOP;
END
$$;
