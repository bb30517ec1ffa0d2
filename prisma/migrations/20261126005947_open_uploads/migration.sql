-- CreateTable
CREATE TABLE "open_uploads" (
    "session_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "expires_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "open_uploads_pkey" PRIMARY KEY ("session_id")
);

-- CreateTable
CREATE TABLE "maintenance_tasks" (
    "name" VARCHAR NOT NULL,
    "begun_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "maintenance_tasks_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE INDEX "open_uploads_user_id_idx" ON "open_uploads"("user_id");

-- CreateIndex
CREATE INDEX "open_uploads_expires_at_idx" ON "open_uploads"("expires_at");

-- AddForeignKey
ALTER TABLE "open_uploads" ADD CONSTRAINT "open_uploads_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "open_uploads" ADD CONSTRAINT "open_uploads_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Supabase exposes the schema `public` through its REST API: only the owner may read or write the new tables.
ALTER TABLE "open_uploads" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "maintenance_tasks" ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    api_role text;
    table_name text;
BEGIN
    FOR api_role, table_name IN
        SELECT rolname, name FROM pg_roles, unnest(ARRAY['"open_uploads"', '"maintenance_tasks"']) AS name WHERE rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM %I', table_name, api_role);
    END LOOP;
END
$$;
