import type { Test } from 'tap'
import type { SessionListItem } from '../../../src/contract/session-list.ts'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { loadConfig } from '../../../src/server/config.ts'
import { createDatabase } from '../../../src/server/database/client.ts'
import { reconcileFigures } from '../../../src/server/reconcile/reconcile-figures.ts'
import { reconcileRecordings, type Finding } from '../../../src/server/reconcile/reconcile-recordings.ts'
import { createStorage } from '../../../src/server/storage/storage.ts'
import type { Services } from '../../helpers/app.ts'
import { expectSound } from '../../helpers/session-state.ts'
import { digestOf, type Expected } from './journal.ts'

/** What a server without faults tells a user. */
export type Read = <T>(sub: string, path: string) => Promise<T>

/** Compares what the server has with what the clients know. Returns the differences. */
export async function findDifferences(sessions: Map<string, Expected>, read: Read): Promise<string[]> {
  const differences: string[] = []
  for (const sub of new Set([...sessions.values()].map((session) => session.sub))) {
    const rows = await read<SessionListItem[]>(sub, '/api/sessions')
    const listed = new Set(rows.map(({ id }) => id))
    for (const [id, expected] of sessions) {
      if (expected.sub !== sub) continue
      if (!expected.exists.has(listed.has(id))) {
        differences.push(`${id} is ${listed.has(id) ? 'there' : 'gone'}`)
      }
      if (listed.has(id)) differences.push(...(await compareOne(id, expected, read)))
    }
    for (const { id } of rows) if (!sessions.has(id)) differences.push(`${id} was never saved`)
    const seconds = rows.reduce((sum, row) => sum + row.duration_seconds, 0)
    const { total_minutes: minutes } = await read<{ total_minutes: number }>(sub, '/api/stats')
    if (minutes !== Math.round(seconds / 60)) {
      differences.push(`${sub}: ${minutes} minutes, ${seconds} seconds`)
    }
    const { session_count: count } = await read<{ session_count: number }>(sub, '/api/users/me')
    if (count !== rows.length) differences.push(`${sub}: ${count} sessions, ${rows.length} rows`)
  }
  return differences
}

async function compareOne(id: string, expected: Expected, read: Read): Promise<string[]> {
  const session = await read<SessionData>(expected.sub, `/api/sessions/${id}`)
  const played =
    session.audioUrl === null ? undefined : Buffer.from(await (await fetch(session.audioUrl)).arrayBuffer())
  const recording = played && digestOf(played)
  return [
    ...(expected.notes.has(session.notes ?? undefined) ? [] : [`${id} has other notes`]),
    ...(expected.recording.has(recording) ? [] : [`${id} has ${recording ? 'another' : 'no'} recording`]),
    ...(expected.seconds === session.durationSeconds ? [] : [`${id} has another duration`])
  ]
}

/** Reconciles database and bucket, as the commands do. Afterwards nothing is left to report. */
export async function reconcileAll(t: Test, services: Services): Promise<void> {
  const config = loadConfig(services.env)
  const [storage, database] = [createStorage(config.storage, config), createDatabase(config.database)]
  const reconcile = async () => {
    const findings: Finding[] = []
    const report = (finding: Finding) => findings.push(finding)
    await reconcileRecordings({ database, storage, minAgeMs: 0, uploadLifeMs: 0, remove: true, report })
    return findings
  }
  // As if every upload and every lease had expired.
  await database.queries.$executeRaw`DELETE FROM open_uploads`
  await database.queries.$executeRaw`UPDATE session_leases SET expires_at = now()`
  await reconcile()
  t.strictSame(await reconcile(), [], 'the bucket matches the table after the reconciliation')

  const wrong: unknown[] = []
  const { defaultTimeZone } = config
  await reconcileFigures({ database, defaultTimeZone, mend: false, report: (user) => wrong.push(user) })
  t.strictSame(wrong, [], 'the running figures of all users are right')
  await Promise.all([storage.close(), database.close()])

  const { rows, objects } = await expectSound(t, services)
  t.equal(
    objects.length,
    rows.filter(({ audio_url: url }) => url !== null).length,
    'no object without its session'
  )
}
