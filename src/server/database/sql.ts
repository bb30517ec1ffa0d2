import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Parts of SQL statements for Prisma's raw queries. Prisma takes only parts of the class that it loads itself,
 * as CommonJS; this is that class, without the rest of Prisma's client.
 */
export const { sql, raw } =
  require('@prisma/client-runtime-utils') as typeof import('@prisma/client-runtime-utils')

export type { Sql } from '@prisma/client-runtime-utils'
