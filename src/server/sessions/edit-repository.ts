import { defineStatement, type RunStatement } from '../database/statement-runner.ts'
import type { ContentChanges } from './content.ts'
import { IS_REMOVAL } from './leases/lease-repository.ts'

/** The columns that an edit may set, in the order of the parameters, with their types. */
const COLUMNS = {
  songName: ['song_name', 'text'],
  instrument: ['instrument', 'text'],
  durationSeconds: ['duration_seconds', 'int'],
  date: ['date', 'timestamptz'],
  xmlContent: ['xml_content', 'text'],
  notes: ['notes', 'text'],
  analysisSummary: ['analysis_summary', 'text'],
  analysisFeedback: ['analysis_feedback', 'text'],
  scoreAccuracy: ['score_accuracy', 'int'],
  markedXml: ['marked_xml', 'text']
} satisfies Record<keyof ContentChanges, [column: string, type: string]>

type Name = keyof typeof COLUMNS
const NAMES = Object.keys(COLUMNS) as Name[]

const FIRST_VALUE = 7

const columns = NAMES.map((name, index) => {
  const [column, type] = COLUMNS[name]
  // Milliseconds are all that a client sees of a date.
  const current = name === 'date' ? `date_trunc('milliseconds', s.date)` : `s.${column}`
  const value = `$${FIRST_VALUE + index}::${type}`
  return {
    column,
    value,
    isChanged: `('${name}' = ANY ($5::text[]) AND ${current} IS DISTINCT FROM ${value})`
  }
})

/** What became of an edit. The session stays as it is if it is being deleted, or has a revision that is not allowed. */
export type Edited = { isBeingDeleted: boolean; isAllowed: boolean; isChanged: boolean }

const assignment = ({ column, value, isChanged }: (typeof columns)[number]) =>
  `${column} = CASE WHEN ${isChanged} THEN ${value} ELSE s.${column} END`

/**
 * Locks the user, then the session, and sets what differs from the row: one round trip, one transaction. A
 * column that does not differ keeps its value, so that large texts are not written again. The triggers of the
 * table keep the sums, the revisions and the digest of the first content, and mark the streak as unknown when
 * a date changes.
 */
const editStatement = defineStatement(
  'edit',
  `
  WITH owner AS MATERIALIZED (
    SELECT id FROM users WHERE auth0_id = $1 AND set_config('lock_timeout', $2, true) <> ''
      AND set_config('harmony_helper.quotas', $6, true) <> '' FOR NO KEY UPDATE
  ), target AS MATERIALIZED (
    SELECT s.id, $4::int[] IS NULL OR s.revision = ANY ($4::int[]) AS is_allowed,
      EXISTS (SELECT FROM session_leases WHERE session_id = s.id AND ${IS_REMOVAL}) AS is_being_deleted
    FROM sessions s JOIN owner ON s.user_id = owner.id WHERE s.id = $3::uuid FOR NO KEY UPDATE OF s
  ), edited AS (
    UPDATE sessions s SET
      ${columns.map(assignment).join(',\n      ')}
    FROM target WHERE s.id = target.id AND is_allowed AND NOT is_being_deleted AND (
      ${columns.map(({ isChanged }) => isChanged).join('\n      OR ')})
    RETURNING s.id
  )
  SELECT is_being_deleted AS "isBeingDeleted", is_allowed AS "isAllowed", edited.id IS NOT NULL AS "isChanged"
  FROM target LEFT JOIN edited ON true`
)

type Options = {
  sub: string
  id: string
  /** The revisions that the session may have; null allows each one. */
  revisions: number[] | null
  changes: ContentChanges
  lockTimeoutMs: number
  /** See `quotaSetting`. */
  quotas: string
}

/** The SQL of an edit: one statement. */
export const createEditRepository = (run: RunStatement) => ({
  /** @returns null when the user has no such session */
  async edit({ sub, id, revisions, changes, lockTimeoutMs, quotas }: Options): Promise<Edited | null> {
    const values = NAMES.map((name) => changes[name] ?? null)
    const [edited] = await run<Edited>(editStatement, [
      sub,
      String(lockTimeoutMs),
      id,
      revisions,
      Object.keys(changes),
      quotas,
      ...values
    ])
    return edited ?? null
  }
})
