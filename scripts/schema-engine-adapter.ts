import { PGlite } from '@electric-sql/pglite'
import {
  bindMigrationAwareSqlAdapterFactory,
  type ColumnType,
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlQuery
} from '@prisma/driver-adapter-utils'
import pg from 'pg'

/** The part of a database session that the schema engine needs. */
export interface Session {
  query(
    sql: string,
    args: unknown[]
  ): Promise<{ fields: Array<{ name: string; dataTypeID: number }>; rows: unknown[][]; affected: number }>
  /** Runs the whole text as one script, in one implicit transaction. */
  script(sql: string): Promise<unknown>
  close(): Promise<void>
}

const TIMESTAMPTZ = 1184
const isoTimestamp = (text: string): string => text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')

/** A session on a PostgreSQL server. */
export async function serverSession(connectionString: string): Promise<Session> {
  const client = new pg.Client({ connectionString })
  client.setTypeParser(TIMESTAMPTZ, isoTimestamp)
  await client.connect()
  return {
    async query(text, values) {
      const { fields, rows, rowCount } = await client.query<unknown[]>({ text, values, rowMode: 'array' })
      return { fields, rows, affected: rowCount ?? 0 }
    },
    script: async (sql) => {
      await client.query(sql)
    },
    close: async () => {
      await client.end()
    }
  }
}

/** A session on PostgreSQL in memory, for the shadow database. */
export async function embeddedSession(): Promise<Session> {
  // PGlite spends a second on clearing the default of 128 MB.
  const db = await PGlite.create({
    startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB']
  })
  return {
    async query(sql, args) {
      const { fields, rows, affectedRows } = await db.query<unknown[]>(sql, args, {
        rowMode: 'array',
        parsers: { [TIMESTAMPTZ]: isoTimestamp }
      })
      return { fields, rows, affected: affectedRows ?? 0 }
    },
    script: async (sql) => {
      await db.exec(sql)
    },
    close: async () => {
      if (!db.closed) await db.close()
    }
  }
}

const columnTypes: Record<number, ColumnType> = {
  16: ColumnTypeEnum.Boolean,
  // "char", which the system catalog uses for enumerations. Prisma's own adapter does not support it.
  18: ColumnTypeEnum.Character,
  20: ColumnTypeEnum.Int64,
  21: ColumnTypeEnum.Int32,
  23: ColumnTypeEnum.Int32,
  26: ColumnTypeEnum.Int64,
  1000: ColumnTypeEnum.BooleanArray,
  1002: ColumnTypeEnum.CharacterArray,
  1005: ColumnTypeEnum.Int32Array,
  1009: ColumnTypeEnum.TextArray,
  [TIMESTAMPTZ]: ColumnTypeEnum.DateTime
}

function toDriverError(error: unknown): DriverAdapterError {
  if (!(error instanceof Error)) throw error
  const { code = 'N/A', severity = 'ERROR', detail, column, hint } = error as Partial<pg.DatabaseError>
  if (code === '42P01') {
    return new DriverAdapterError({
      kind: 'TableDoesNotExist',
      originalCode: code,
      originalMessage: error.message
    })
  }
  return new DriverAdapterError({
    kind: 'postgres',
    code,
    severity,
    message: error.message,
    detail,
    column,
    hint,
    originalCode: code,
    originalMessage: error.message
  })
}

const orDriverError = async <T>(work: Promise<T>): Promise<T> =>
  await work.catch((error: unknown) => {
    throw toDriverError(error)
  })

/**
 * Replaces `@prisma/adapter-pg`, which splits scripts at every semicolon, even in comments, and runs the
 * statements separately on a pool, so that a migration would not be atomic.
 */
function driverAdapter(session: Session): SqlDriverAdapter {
  const identity = { provider: 'postgres', adapterName: 'schema-engine' } as const
  const run = async ({ sql, args }: SqlQuery) => await orDriverError(session.query(sql, args))
  return {
    ...identity,
    async queryRaw(query) {
      const { fields, rows } = await run(query)
      return {
        columnNames: fields.map(({ name }) => name),
        columnTypes: fields.map(({ dataTypeID }) => columnTypes[dataTypeID] ?? ColumnTypeEnum.Text),
        rows
      }
    },
    executeRaw: async (query) => (await run(query)).affected,
    executeScript: async (script) => {
      await orDriverError(session.script(script))
    },
    startTransaction: () => {
      throw new Error('The schema engine does not use transactions')
    },
    dispose: async () => {
      await session.close()
    }
  }
}

/** The adapter for the engine's constructor. The engine opens and closes the `main` and `shadow` sessions. */
export function migrationAdapter(main: () => Promise<Session>, shadow: () => Promise<Session>) {
  return bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: 'schema-engine',
    connect: async () => driverAdapter(await main()),
    connectToShadowDb: async () => driverAdapter(await shadow())
  })
}
