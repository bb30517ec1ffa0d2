import type { PrismaClient } from '../generated/prisma/client.ts'

/** The queries of a repository, which run on the client or inside a transaction. */
export type Queries = Pick<PrismaClient, '$queryRaw' | '$executeRaw' | Table>

type Table = 'user' | 'session' | 'sessionLease'
type Method = (...given: unknown[]) => unknown
type Methods = Record<string, Method>

/** A query's model and operation. Raw SQL has no model. */
export type QueryName = { model?: string; operation: string }

/** A `Queries` object whose methods are those that `wrap` returns. `find` looks up the original method on a client. */
export function wrapQueries(wrap: (name: QueryName, find: (queries: Queries) => Method) => Method): Queries {
  const sql = (operation: '$queryRaw' | '$executeRaw') =>
    wrap({ operation }, (queries) => bound(queries, operation))
  const table = (model: Table) =>
    new Proxy(
      {},
      {
        get: (_target, operation) =>
          wrap({ model, operation: String(operation) }, (queries) => bound(queries[model], String(operation)))
      }
    )

  return {
    $queryRaw: sql('$queryRaw'),
    $executeRaw: sql('$executeRaw'),
    user: table('user'),
    session: table('session'),
    sessionLease: table('sessionLease')
  } as unknown as Queries
}

/** Queries on a client that the first of them loads. */
export const lazyQueries = (load: () => Promise<Queries>): Queries =>
  wrapQueries(
    (_name, find) =>
      async (...given) =>
        find(await load())(...given)
  )

const bound = (methods: unknown, name: string): Method => {
  const method = (methods as Methods)[name]
  if (method === undefined) throw new TypeError(`There is no query ${name}`)
  return method.bind(methods)
}
