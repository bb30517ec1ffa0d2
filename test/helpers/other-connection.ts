import pg from 'pg'
import type { Test } from 'tap'
import { query } from './scratch-database.ts'
import { until } from './until.ts'

/** A connection to a database beside those of the server. It ends with the test. */
export async function connect(t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())
  return client
}

const WAITING = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

/** Waits until `count` statements in a database wait for the lock of another. */
export const untilBlocked = (url: string, count = 1) =>
  until(async () => (await query(url, WAITING)).length >= count)
