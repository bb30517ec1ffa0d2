import type { PrismaClient } from '../generated/prisma/client.ts'

/** The queries of a repository, which run on the client or inside a transaction. */
export type Queries = Pick<PrismaClient, '$queryRaw' | '$executeRaw' | Table>

type Table = 'user' | 'session' | 'sessionLease'
type Methods = Record<PropertyKey, (...given: unknown[]) => unknown>

/** Queries on a client that the first of them loads. */
export function lazyQueries(load: () => Promise<Queries>): Queries {
  const call =
    (find: (queries: Queries) => unknown, name: PropertyKey) =>
    async (...given: unknown[]) =>
      (find(await load()) as Methods)[name]?.(...given)
  const table = (name: Table) =>
    new Proxy({}, { get: (_target, operation) => call((queries) => queries[name], operation) })

  return {
    $queryRaw: call((queries) => queries, '$queryRaw'),
    $executeRaw: call((queries) => queries, '$executeRaw'),
    user: table('user'),
    session: table('session'),
    sessionLease: table('sessionLease')
  } as unknown as Queries
}
