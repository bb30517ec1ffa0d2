import { Type, type Static } from '@sinclair/typebox'

/**
 * What `/readyz` can name beside `ok`: the code, and what it means. The log has the sentence that says what
 * to change.
 */
export const faults = {
  database_unavailable: 'The database does not answer',
  database_refused: 'PostgreSQL refuses the user, the password or the database of `DATABASE_URL`',
  encoding_not_utf8: 'The encoding of the database is not UTF8',
  schema_mismatch: 'The search path and `DATABASE_URL` lead to different schemas',
  role_not_owner: 'The role of `DATABASE_URL` may not use the tables, or does not see their rows',
  migrations_pending: 'Migrations are not applied: run `npm run db:deploy`',
  migration_failed: 'A migration has failed: `npm run db:deploy` says what to do',
  table_missing: 'A table is missing although its migration is applied',
  time_zone_unknown: 'The database does not know `DEFAULT_TIME_ZONE`',
  storage_unavailable: 'The storage does not answer',
  storage_refused: 'The storage refuses the requests of this server',
  storage_url_wrong: '`SUPABASE_URL` does not lead to a storage API',
  key_refused: 'The storage refuses `SUPABASE_SERVICE_ROLE_KEY`',
  key_not_service: '`SUPABASE_SERVICE_ROLE_KEY` is not a service key',
  bucket_limit_low: 'The storage accepts smaller recordings than `MAX_RECORDING_BYTES`',
  bucket_access_mismatch: 'The access of the bucket is not `RECORDINGS_ACCESS`',
  bucket_types_refused: 'The bucket does not accept every format of recordings',
  staging_public: 'The staging bucket is public',
  issuer_unavailable: 'The issuer of access tokens does not answer',
  spool_unwritable: 'No temporary file can be made in `TMPDIR`',
  check_failed: 'The check itself has failed'
} as const

/** A stable code of `/readyz`. */
export type FaultCode = keyof typeof faults

const CheckSchema = Type.String({ enum: ['ok', ...Object.keys(faults)] })

/** Answer of `GET /readyz`. */
export const ReadinessSchema = Type.Object(
  {
    status: Type.String({
      enum: ['ready', 'degraded', 'draining'],
      description: '`draining`: the server is about to close. Send requests to another one'
    }),
    checks: Type.Object(
      { database: CheckSchema, storage: CheckSchema, issuer: CheckSchema, spool: CheckSchema },
      {
        description: `\`ok\`, or a code. ${Object.entries(faults)
          .map(([code, meaning]) => `\`${code}\`: ${meaning}`)
          .join('; ')}`
      }
    )
  },
  {
    title: 'Readiness',
    examples: [{ status: 'ready', checks: { database: 'ok', storage: 'ok', issuer: 'ok', spool: 'ok' } }]
  }
)

export type Readiness = Static<typeof ReadinessSchema>
