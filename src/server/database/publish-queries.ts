import { transactionQueries, trace } from '../diagnostics.ts'
import { type Queries, wrapQueries } from './queries.ts'

type Query = { model?: string | undefined; operation: string; args: unknown }

/** The text of an SQL query: a template, or what Prisma makes of one. */
type Text = readonly string[] | { strings: readonly string[] }

/**
 * Publishes the queries of a transaction to `transactionQueries`.
 * @returns `queries` themselves while nobody subscribes
 */
export function publishQueries(queries: Queries): Queries {
  if (!transactionQueries.hasSubscribers) return queries
  return wrapQueries(
    ({ model, operation }, find) =>
      (...given) =>
        trace(transactionQueries, () => find(queries)(...given) as Promise<unknown>, {
          call: callOf({ model, operation, args: given[0] })
        })
  )
}

/** Names a query: `SessionfindMany`, or what an SQL text begins with: `UPDATE users`. It contains no values. */
export function callOf({ model, operation, args }: Query): string {
  return model === undefined ? summarize(args as Text) : capitalize(model) + operation
}

const capitalize = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

/** The first word of an SQL text and its first table. Values are parameters and no part of the text. */
function summarize(text: Text): string {
  const sql = ('strings' in text ? text.strings : text).join('?')
  const [verb = 'SQL'] = /\w+/.exec(sql) ?? []
  const [, table] = /\b(?:FROM|INTO|UPDATE)\s+(\w+)/i.exec(sql) ?? []
  return table === undefined ? verb : `${verb} ${table}`
}
